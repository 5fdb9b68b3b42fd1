-- A row of the log holds count records, from offset off on (package eventlog).
alter table log add column count bigint not null default 1;
