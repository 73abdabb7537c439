-- A booking as a team would write it on PostgreSQL: one function, a unique citizen, a conditional counter.
create table groups (id int primary key, capacity int not null, booked int not null default 0) with (fillfactor = 50);
create table bookings (citizen bigint primary key, group_id int not null, booked_at timestamptz not null default now());

-- 1 booked, 0 full, 2 has one already.
create function book(wanted int, who bigint) returns int language plpgsql as $$
begin
  insert into bookings (citizen, group_id) values (who, wanted) on conflict (citizen) do nothing;
  if not found then
    return 2;
  end if;
  update groups set booked = booked + 1 where id = wanted and booked < capacity;
  if not found then
    delete from bookings where citizen = who;
    return 0;
  end if;
  return 1;
end $$;

insert into groups select n, 1000000, 0 from generate_series(1, 408) n;
vacuum analyze;
