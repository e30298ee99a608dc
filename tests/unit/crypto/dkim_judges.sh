#!/bin/sh
# Verifies MAIL (selectors rsa and ed25519) by dkimpy and Mail::DKIM with the keys given as TXT records.
# usage: dkim_judges.sh MAIL RSA-RECORD ED25519-RECORD
set -eu
mail=$1
export RSA="$2" ED="$3"

if /usr/bin/python3 -c 'import dkim, nacl' 2>/dev/null; then
	/usr/bin/python3 - "$mail" <<'PY'
import os, sys, dkim
keys = {b"rsa._domainkey.dumai.example.": os.environ["RSA"], b"ed25519._domainkey.dumai.example.": os.environ["ED"]}
def txt(name, timeout=5):
    return keys[name if isinstance(name, bytes) else name.encode()].encode()
d = dkim.DKIM(open(sys.argv[1], "rb").read())
for i in range(2):
    if not d.verify(idx=i, dnsfunc=txt):
        sys.exit("dkimpy: signature %d is not good" % i)
PY
else
	echo "dkim_judges: dkimpy is not installed: skipped"
fi

if perl -MMail::DKIM -e 1 2>/dev/null; then
	# This version of Mail::DKIM has no Ed25519: the RSA signature decides.
	perl -MMail::DKIM::Verifier -MMail::DKIM::PublicKey -e '
		no warnings "redefine";
		*Mail::DKIM::PublicKey::fetch_async = sub {
			my ($class, %p) = @_;
			my $text = $p{Selector} eq "rsa" ? $ENV{RSA} : $ENV{ED};
			my $done = $p{Callbacks}{Success} // sub { $_[0] };
			return sub { $done->($class->parse($text)) };
		};
		open(my $f, "<:raw", $ARGV[0]) or die;
		my $v = Mail::DKIM::Verifier->new;
		$v->PRINT($_) while <$f>;
		$v->CLOSE;
		my ($rsa) = grep { $_->algorithm eq "rsa-sha256" } $v->signatures;
		die "Mail::DKIM: " . $rsa->result_detail . "\n" unless $rsa->result eq "pass";
	' "$mail"
else
	echo "dkim_judges: Mail::DKIM is not installed: skipped"
fi
