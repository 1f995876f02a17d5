// Package binlog reads the log of a MariaDB or MySQL database, the row binlog, as a replica does.
package binlog
