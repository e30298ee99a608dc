"""Letters with a PDF beside WeasyPrint alone, and other letters while PDFs are made."""

import glob
import os
import sys

from ..instance import ROOT
from ..process import clean_env, run
from ..waiting import HouseError, wait_for
from .house import PDF_AGENCY
from .load import Load
from .packages import fetch

LETTERS, SECONDS = 60, 4
OTHER_RATE, OTHER_SECONDS, PDFS = 100, 5, 250


class Pdf:
    """See the head of this file."""

    def __init__(self, bench):
        self.bench, self.page = bench, None

    def _writer(self):
        return self.bench.house.writers(PDF_AGENCY, 1)

    def _make_page(self):
        """The page of one letter that has gone out, made again from its letter.xml by xsltproc."""
        house = self.bench.house
        tree = os.path.join(house.var, "peers", "xsltproc")
        fetch(tree, ["xsltproc"])
        xml = house.postgres.sql("select xml from office.letter where agency = "
                                 f"'UKUR{PDF_AGENCY:02}' order by id desc limit 1", "mtagw")
        if not xml.strip():
            raise HouseError("no letter with a PDF to take the page of")
        path = os.path.join(house.runtime, "page.xml")
        with open(path, "w", encoding="utf-8") as f:
            f.write(xml)
        libraries = ":".join(sorted({os.path.dirname(p) for p in glob.glob(f"{tree}/usr/lib/**/*.so.*", recursive=True)}))
        made = run([os.path.join(tree, "usr/bin/xsltproc"), "--stringparam", "form", "outside",
                    os.path.join(ROOT, "templates", "ordinary_letter.page.xsl"), path], "xsltproc",
                   env=clean_env(LD_LIBRARY_PATH=libraries))
        self.page = os.path.join(house.runtime, "page.html")
        with open(self.page, "w", encoding="utf-8") as f:
            f.write(made.stdout)

    def _ours(self):
        """PDF letters a second until the sink has the last."""
        house = self.bench.house
        told = self.bench.load.round(self._writer(), port=house.ports["submission"], tls=True, sessions=4, sink=True,
                                     total=self.bench.scaled(LETTERS))
        house.quiet()
        return told["sink_rate"]

    def _weasyprint(self):
        seconds = SECONDS if not self.bench.quick else 2
        return float(run([sys.executable, "-s", "-m", "contrib.house.bench.weasy", self.page, str(os.cpu_count()), str(seconds)],
                         "WeasyPrint alone", cwd=ROOT, limit=120, env=clean_env(PYTHONDONTWRITEBYTECODE="1")).stdout)

    def row(self, name):
        """Rate beside WeasyPrint alone."""
        bench = self.bench
        self._ours()  # starts the helpers, gives the page
        self._make_page()
        ours, peer = [], []
        for n in range(bench.rounds):
            for play, to in ((self._ours, ours), (self._weasyprint, peer))[::1 if n % 2 == 0 else -1]:
                to.append(play())
        bench.report.ratio(name, ours, peer, ">=0.9", f"letters/s; peer is WeasyPrint {os.cpu_count()} times")

    def _others(self):
        house = self.bench.house
        return self.bench.load.round(house.writers(), port=house.ports["submission"], tls=True, sessions=10, sink=True,
                                     rate=OTHER_RATE, total=OTHER_RATE * OTHER_SECONDS)["whole_ms"]["p99"]

    def beside(self, name):
        """p99 of other letters while PDFs are made all the time, beside that without.

        The clock runs when all of the PDF letters have their numbers, so that the others do not wait behind a burst of letters
        (which has nothing to do with PDF) but beside the making of PDFs alone.
        """
        bench, house = self.bench, self.bench.house
        without, under = [], []
        with Load(bench.build) as second:
            for _ in range(min(3, bench.rounds)):
                without.append(self._others())
                house.quiet()
                second.round(self._writer(), port=house.ports["submission"], tls=True, sessions=4, total=PDFS)
                wait_for(lambda: self._kinds() == ["render"], "only PDFs left to be made", 60, [house.log("mtagw")], pause=0.05)
                under.append(self._others())
                if self._rendering() == 0:
                    raise HouseError(f"{PDFS} PDF letters were done before {OTHER_SECONDS} s were over: no load")
                # those whose PDF nobody has begun are not waited for
                house.asking.ask("delete from mail.work where kind = 'render' and state = 'waiting'")
                house.quiet()
        bench.report.beside(name, under, without, "<=2", f"ms, p99 of {OTHER_RATE} letters/s to the sink; peer is ours without PDFs")

    def _kinds(self):
        return [row[0] for row in self.bench.house.asking.ask("select distinct kind from mail.work")]

    def _rendering(self):
        return int(self.bench.house.asking.ask("select count(*) from mail.work where kind = 'render'")[0][0])
