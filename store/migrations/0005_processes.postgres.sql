-- Its lock is the right to write.
create table writer();

-- What processes tell one another (package store).
create table note(
  topic text not null,
  key text not null,
  seq bigint not null,
  sender text not null,
  at timestamptz not null default now(),
  primary key(topic, key)
);
create unique index note_seq_index on note(seq);
create sequence note_seq;

-- The id of an event may hold a NUL, which text cannot.
alter table log alter column id type bytea using convert_to(id, 'UTF8');
