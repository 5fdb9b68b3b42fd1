create table meta(
  key text primary key,
  value text not null
);

create table resource(
  arn text primary key,
  id text unique not null,
  kind text not null,
  name text not null,
  grp text not null default '',
  parent text not null default '',
  status text not null default '',
  created bigint not null,
  updated bigint not null,
  revision bigint not null,
  body text not null
);
create index resource_kind on resource(kind, created desc, id);
create index resource_group on resource(kind, grp);
create index resource_parent on resource(kind, parent);

create table log_head(
  name text primary key,
  last bigint not null,
  trimmed bigint not null
);

create table log(
  name text not null,
  off bigint not null,
  at bigint not null,
  id text not null,
  data blob not null,
  crc bigint not null,
  primary key(name, off)
);

create table job(
  id integer primary key,
  kind text not null,
  key text not null,
  args text not null,
  state text not null,
  attempt int not null default 0,
  run_at bigint not null default 0,
  error text not null default '',
  cancel int not null default 0,
  done double precision not null default 0,
  note text not null default '',
  checkpoint blob,
  created bigint not null,
  started bigint not null default 0,
  finished bigint not null default 0
);
create unique index job_open on job(kind, key) where state in ('queued', 'running');
create index job_claim on job(kind, run_at, id) where state = 'queued';
create index job_find on job(kind, key, id);

create table document(
  key text primary key,
  value blob not null
);
