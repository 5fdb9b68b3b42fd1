-- What was moved out of the log (package eventlog): a segment is a blob with the
-- records from first to last, a state one with what a reader knows who has applied
-- all up to off. Records up to rewritten are not what they once were.
create table log_segment(
  name text not null,
  first bigint not null,
  last bigint not null,
  blob text not null,
  primary key(name, first)
);
create table log_state(
  name text primary key,
  off bigint not null,
  blob text not null
);
alter table log_head add column rewritten bigint not null default 0;
