-- 0008: the queue of deliveries.

-- A lease that is renewed and the note before the final dot stay in their page: no index has either.
drop index mail.delivery_claimed;
create index delivery_claimed on mail.delivery (id) where state = 'claimed';
