"""WeasyPrint alone in a loop: `python3 -m contrib.house.bench.weasy PAGE PROCESSES SECONDS`; prints pages a second.

The same page, library and PDF variant as the PDF helper of the gateway uses, one process a core, nothing else.
"""

import multiprocessing
import sys
import time


def loop(page, seconds, ready, go, made):
    """Prints the page again and again."""
    import weasyprint  # pylint: disable=import-outside-toplevel # each process for itself
    import weasyprint.pdf

    variant = "pdf/a-3b" if "pdf/a-3b" in weasyprint.pdf.VARIANTS else None
    weasyprint.HTML(string=page, base_url="about:blank").write_pdf(variant=variant)  # fonts are looked up once
    ready.release()
    go.wait()
    end, n = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        weasyprint.HTML(string=page, base_url="about:blank").write_pdf(variant=variant)
        n += 1
    made.put((n, time.monotonic() - end + seconds))


def main():
    """The command."""
    with open(sys.argv[1], encoding="utf-8") as f:
        page = f.read()
    processes, seconds = int(sys.argv[2]), float(sys.argv[3])
    ready, go, made = multiprocessing.Semaphore(0), multiprocessing.Event(), multiprocessing.Queue()
    loops = [multiprocessing.Process(target=loop, args=(page, seconds, ready, go, made), daemon=True) for _ in range(processes)]
    for one in loops:
        one.start()
    for _ in loops:
        ready.acquire()
    go.set()
    print(sum(n / took for n, took in (made.get() for _ in loops)))


if __name__ == "__main__":
    main()
