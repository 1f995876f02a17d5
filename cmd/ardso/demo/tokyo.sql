-- Tokyo keeps what was learnt.
CREATE TABLE knowledge (
  article  VARCHAR(15) NOT NULL PRIMARY KEY,
  office   VARCHAR(30) NOT NULL,
  item     VARCHAR(30) NOT NULL,
  problem  VARCHAR(254) NOT NULL,
  solution VARCHAR(254)
);
