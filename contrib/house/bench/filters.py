"""What stands beside Postfix in the peer: OpenDKIM, the gpg filter by pipe, the SMTP filter that keeps GPGME loaded."""

import glob
import os
import shutil
import signal

from ..people import DOMAIN
from ..process import as_user, clean_env, run
from ..waiting import HouseError, banner, free_port, wait_for
from .packages import fetch
from .postfix import FILTER_UID, PeerMissing

DKIM_PACKAGES = ["opendkim", "libmilter1.0.1", "libopendbx1", "libmemcached11", "libhashkit2", "liblua5.3-0", "libvbr2", "librbl1"]
SIGNER = f"surat.diskominfo@{DOMAIN}"
WORKERS = 4  # filters at one time
# The simple filter of FILTER_README: takes the message apart, signs the body, hands it in again.
PIPE = """\
#!/bin/sh
umask 077
work={gnupg}/in.$$
trap 'rm -f "$work"' EXIT
{{ sed -u '/^$/q' && gpg --homedir {gnupg} --batch --quiet --local-user {signer} --clearsign; }} >"$work" || exit 75
/usr/sbin/sendmail -G -i "$@" <"$work"
"""
DKIM = """\
Mode s
Domain {domain}
Selector bench
KeyFile {key}
Canonicalization relaxed/relaxed
SignatureAlgorithm rsa-sha256
OversignHeaders From
Socket inet:{port}@127.0.0.1
Syslog no
RequireSafeKeys no
"""


def keyring(folder):
    """A GnuPG home with one Ed25519 key without a passphrase, its agent ended again."""
    os.makedirs(folder, mode=0o700)
    os.chown(folder, FILTER_UID, FILTER_UID)
    env = clean_env(HOME=folder, GNUPGHOME=folder)
    run([*as_user(FILTER_UID), "gpg", "--batch", "--quiet", "--passphrase", "", "--quick-gen-key", f"<{SIGNER}>", "ed25519",
         "sign", "never"], "key of a filter", env=env)
    run([*as_user(FILTER_UID), "gpgconf", "--kill", "all"], "ending the agent of a filter", env=env)
    return folder


def opendkim(tree, folder, processes):
    """Starts OpenDKIM with an RSA-2048 key. Returns (its milter address, its version)."""
    version = fetch(tree, DKIM_PACKAGES)["opendkim"]
    libraries = ":".join(sorted({os.path.dirname(p) for p in glob.glob(f"{tree}/usr/lib/**/*.so.*", recursive=True)}))
    program, env = os.path.join(tree, "usr/sbin/opendkim"), clean_env(LD_LIBRARY_PATH=libraries)
    lacking = [line.split()[0] for line in run(["ldd", program], "ldd opendkim", env=env).stdout.splitlines() if "not found" in line]
    if lacking:
        raise PeerMissing(f"OpenDKIM lacks {' '.join(lacking)}")
    os.makedirs(folder, mode=0o700)
    port, key, conf = free_port(), os.path.join(folder, "rsa.pem"), os.path.join(folder, "opendkim.conf")
    run(["openssl", "genrsa", "-out", key, "2048"], "OpenDKIM's key")
    with open(conf, "w", encoding="utf-8") as f:
        f.write(DKIM.format(domain=DOMAIN, key=key, port=port))
    for path in (folder, key, conf):
        os.chown(path, FILTER_UID, FILTER_UID)
    log = os.path.join(folder, "log")
    processes.start("opendkim", [*as_user(FILTER_UID), program, "-f", "-x", conf], log, env=env)
    wait_for(lambda: _listens(port), "OpenDKIM's socket", 20, [log], processes.alive_check("opendkim"))
    return f"inet:127.0.0.1:{port}", version


def _listens(port):
    """Whether something listens there; nothing is said to it."""
    with open("/proc/net/tcp", encoding="ascii") as f:
        return any(f":{port:04X} 00000000:0000 0A" in line for line in f)


def pipe_script(home, gnupg):
    """The filter of pipe(8)."""
    path = os.path.join(home, "gpgpipe")
    with open(path, "w", encoding="utf-8") as f:
        f.write(PIPE.format(gnupg=gnupg, signer=SIGNER))
    os.chmod(path, 0o755)


def scanner(program, gnupg, port, back, processes):
    """Starts the SMTP filter in a process namespace, so that its agent is counted with it and ends with it."""
    if not os.path.exists(program):
        raise PeerMissing(f"{program} is not built (make bench builds it)")
    # where its user may run it
    shutil.copy(program, os.path.join(os.path.dirname(gnupg), "gpgfilter"))
    program, log = os.path.join(os.path.dirname(gnupg), "gpgfilter"), gnupg + ".log"
    os.chmod(program, 0o755)
    processes.start("gpgfilter", ["unshare", "--pid", "--fork", "--kill-child", *as_user(FILTER_UID), program, str(port), str(back),
                                  str(WORKERS), gnupg, SIGNER],
                    log, env=clean_env(HOME=gnupg), stop=signal.SIGKILL)
    wait_for(lambda: banner("127.0.0.1", port).startswith(b"220 "), "the SMTP filter's banner", 20, [log],
             processes.alive_check("gpgfilter"))


def check(form, sample):
    """HouseError unless a message that came through has the signatures of its form."""
    with open(sample, encoding="utf-8", errors="replace") as f:
        text = f.read()
    wanted = {"relay": (0, 0), "dkim": (1, 0), "pipe": (1, 1), "smtp": (1, 1), "ours": (2, 1)}[form]
    got = text.count("DKIM-Signature:"), text.count("-----BEGIN PGP SIGNATURE-----")
    if got != wanted:
        raise HouseError(f"{form}: a message in the sink has {got[0]} DKIM and {got[1]} OpenPGP signatures, not {wanted}:\n{text[:3000]}")
