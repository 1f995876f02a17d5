-- What readers look for in the log, with the columns that they read; package control makes the real ones.
CREATE TABLE dso_checkpoint (
    source     varchar(40)  NOT NULL,
    pool       varchar(80)  NOT NULL,
    layout     integer      NOT NULL,
    thread     integer      NOT NULL,
    position   varchar(200) NOT NULL,
    origin     varchar(40)  NOT NULL,
    path       varchar(400) NOT NULL,
    mapping    varchar(80)  NOT NULL,
    write_back integer      NOT NULL,
    PRIMARY KEY (source, pool, layout, thread)
);
CREATE TABLE dso_watermark (
    name varchar(80) NOT NULL PRIMARY KEY,
    kind varchar(10) NOT NULL
);
