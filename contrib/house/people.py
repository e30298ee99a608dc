"""Sample people of the private house. Names and civil-servant numbers are invented (serial 000 is never given out)."""

from dataclasses import dataclass

DOMAIN = "dumai.example"


@dataclass(frozen=True)
class Person:
    """The holder of one position."""

    login: str  # local part of the position's address
    name: str
    nip: str
    rank: str  # pangkat, as the signature block prints it
    grade: str  # golongan
    what: str  # the position, for the printed list
    clerk: bool = False  # registry clerk (admin kantor) of the agency

    @property
    def address(self):
        """Login name and mail address of the position."""
        return f"{self.login}@{DOMAIN}"


PEOPLE = [
    Person("kadis.diskominfo", "Pejabat Contoh 01", "196501011990031000", "Pembina Utama Muda", "IV/c",
           "Kepala Dinas Kominfo"),
    Person("sekretaris.diskominfo", "Pejabat Contoh 02", "196802021992032000", "Pembina Tk. I", "IV/b",
           "Sekretaris Dinas Kominfo"),
    Person("kasubbag-umum.diskominfo", "Pejabat Contoh 03", "197503032000031000", "Penata Tk. I", "III/d",
           "Admin kantor Dinas Kominfo", True),
    Person("kabid-aplikasi.diskominfo", "Pejabat Contoh 04", "197404041999031000", "Pembina", "IV/a",
           "Kabid Aplikasi E-Government"),
    Person("kasi-eoffice.diskominfo", "Pejabat Contoh 09", "198008082005031000", "Penata", "III/c",
           "Pengelola e-office (postmaster)"),
    Person("kabid-ikp.diskominfo", "Pejabat Contoh 05", "197605052001032000", "Pembina", "IV/a",
           "Kabid Informasi Komunikasi Publik"),
    Person("kabid-infra.diskominfo", "Pejabat Contoh 10", "197707072002031000", "Pembina", "IV/a",
           "Kabid Infrastruktur E-Government"),
    Person("kabid-statsandi.diskominfo", "Pejabat Contoh 11", "197808082003032000", "Pembina", "IV/a",
           "Kabid Statistik dan Persandian"),
    Person("kadis.dinkes", "Pejabat Contoh 06", "196606061991032000", "Pembina Utama Muda", "IV/c",
           "Kepala Dinas Kesehatan"),
    Person("kasubbag-umum.dinkes", "Pejabat Contoh 07", "197807072003032000", "Penata Tk. I", "III/d",
           "Admin kantor Dinas Kesehatan", True),
    Person("sekda", "Pejabat Contoh 08", "196308081988031000", "Pembina Utama Madya", "IV/d",
           "Sekretaris Daerah"),
]
BY_LOGIN = {p.login: p for p in PEOPLE}

# Agencies that seal in the house: address of the registry (the key's user id) and the name on the key.
SEALS = [
    (f"surat.diskominfo@{DOMAIN}", "Dinas Komunikasi dan Informatika Kota Dumai"),
    (f"surat.dinkes@{DOMAIN}", "Dinas Kesehatan Kota Dumai"),
    (f"surat.setda@{DOMAIN}", "Sekretariat Daerah Kota Dumai"),
]

# The outside world: a company and the province, each with a server of its own; "*" is where all other mail goes.
OUTSIDE = {
    "pelabuhan.example": "PT Contoh Pelabuhan",
    "riau.example": "Pemerintah Provinsi Riau",
    "*": "relay",
}
