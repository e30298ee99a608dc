# Throws away a delivery of mtagw that comes a second time, so that the gateway may send again what got no answer
# (mtagw.conf: lmtp_duplicate = yes). For Dovecot 2.3 with Pigeonhole 0.5.10 or later, in its configuration:
#
#     protocol lmtp {
#       mail_plugins = $mail_plugins sieve
#     }
#     plugin {
#       sieve_before = /etc/mtagw/mtagw-duplicate.sieve
#       sieve_duplicate_max_period = 30d
#     }
#
# and once, after each change: sievec /etc/mtagw/mtagw-duplicate.sieve
#
# It must stand before every other script. A delivery is the number in Mtagw-Delivery, which the gateway writes first
# and takes out of all mail that comes in, and the address it goes to. Dovecot keeps what it has seen in the file
# .dovecot.lda-dupes in the user's home (make the home with the account); a delivery counts as seen once it is stored.
# Its lock of each delivery is a file of its own, made and removed: on one host, let it stand in memory. Behind the
# mail's place in mail_location write :VOLATILEDIR=/run/mtagw-locks/%Ld/%Ln (a folder of the mail's user, made at boot).
# Dovecot 2.3 forgets some of it where two deliveries to one user overlap. The gateway lets none of its own overlap;
# what another program delivers to a user at the same moment can still make it forget.
# :seconds must not be less than expire_secs of mtagw.conf (five days by default), nor more than the period above.
require ["duplicate", "envelope", "variables"];

if envelope :matches "to" "*" {
	set "to" "${1}";
}
if header :matches "Mtagw-Delivery" "*" {
	if duplicate :handle "mtagw" :uniqueid "${1} ${to}" :seconds 604800 {
		discard;
		stop;
	}
}
