-- Who runs a job, and until when it has it, where several processes share the
-- database.
alter table job add column holder text not null default '';
alter table job add column lease bigint not null default 0;

-- The very first databases were made without it.
create table if not exists document(
  key text primary key,
  value blob not null
);
