-- 0003: what the writer asked of delivery reports (RFC 3461).

-- '' where he asked nothing, else JSON: {"ret": "FULL" | "HDRS" | "", "envid": xtext, "rcpts": [{"notify": "NEVER" | list of
-- "SUCCESS,FAILURE,DELAY" | "", "orcpt": "type;xtext" | ""}, ...]}; rcpts stand in the order of the column of that name. Xtext is
-- kept as it came, to be said again to the next host.
alter table mail.message add column dsn text not null default '';
-- Of the recipient whose delivery it is, for letters and pesan.
alter table mail.delivery add column notify text not null default '';

-- The sender says it again to a host that knows DSN.
grant select (id, rcpts, dsn) on mail.message to mtagw_sender;
