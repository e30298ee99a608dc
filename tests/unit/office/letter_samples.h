/* letter_samples: letters that the tests of letter.xml, rendering and PDF share. */
#ifndef TEST_LETTER_SAMPLES_H
#define TEST_LETTER_SAMPLES_H

#include "mtagw/office/letter.h"

#define SAMPLE_SHA "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

static const char sample_short_body[] =
    "Dengan hormat,\n\n"
    "Sehubungan dengan rencana pembangunan jaringan serat optik di kawasan\n"
    "pelabuhan, kami mohon kesediaan Saudara menunjuk satu orang petugas\n"
    "penghubung.\n\n"
    "Demikian disampaikan, atas perhatian dan kerja sama Saudara diucapkan\n"
    "terima kasih.\n";

static const char sample_long_body[] =
    "Menindaklanjuti hasil rapat koordinasi penyelenggaraan sistem pemerintahan\n"
    "berbasis elektronik pada tanggal 17 November 2026, bersama ini disampaikan\n"
    "hal-hal sebagai berikut:\n"
    "1. Setiap perangkat daerah menunjuk admin kantor yang bertugas:\n"
    "   a. mencatat surat masuk dan surat keluar;\n"
    "   b. memindai surat yang diterima dalam bentuk kertas, termasuk lampirannya,\n"
    "      dan mengirimkannya ke alamat pemindaian; dan\n"
    "   c. mengelola akun pada perangkat daerahnya.\n"
    "2. Kepala perangkat daerah menandatangani surat secara elektronik.\n"
    "3. Perangkat yang perlu disiapkan:\n"
    "   - satu pemindai yang dapat mengirim surel;\n"
    "   - satu pencetak.\n\n"
    "Untuk itu kami mengundang Saudara pada:\n\n"
    "  Hari/tanggal : Kamis, 3 Desember 2026\n"
    "  Pukul        : 09.00 WIB s.d. selesai\n"
    "  Tempat       : Ruang Rapat Dinas Komunikasi dan Informatika, Jalan Contoh\n"
    "                 Nomor 1, Dumai\n"
    "  Acara        : Penyiapan pelaksanaan e-office tahun 2027\n\n"
    "Biaya < Rp 5.000.000,00 & tidak dipungut dari peserta.\n\n";

static const char sample_paragraph[] = "Perangkat daerah yang belum melaksanakan ketentuan "
                                       "sebagaimana dimaksud di atas agar menyampaikan rencana "
                                       "pelaksanaan beserta kendala yang dihadapi secara tertulis "
                                       "kepada Dinas Komunikasi dan Informatika paling "
                                       "lambat dua minggu setelah surat ini diterima, sehingga "
                                       "pendampingan dapat dijadwalkan dengan baik.\n\n";

static const struct letter_enclosure sample_enclosures[] = {
    {"Kerangka acuan kerja.pdf", "application/pdf", 204800, SAMPLE_SHA},
    {"Daftar hadir.ods", "application/vnd.oasis.opendocument.spreadsheet", 12345, SAMPLE_SHA},
    {"Peta jaringan kawasan pelabuhan dan sekitarnya edisi kedua tahun 2026.png", "image/png",
        3145728, SAMPLE_SHA},
};

static const struct letter_recipient sample_company[] = {
    {.name = "Direktur PT Contoh Pelabuhan",
        .address = "direktur@contoh-pelabuhan.example",
        .place = "Tempat"},
};
static const struct letter_recipient sample_mixed[] = {
    {.inside = true,
        .name = "Kepala Badan Pengelolaan Keuangan dan Aset Daerah",
        .address = "kaban.bpkad@dumai.example",
        .position = "kaban.bpkad",
        .agency = "BPKAD",
        .place = "Dumai"},
    {.inside = true,
        .name = "Kepala Dinas Kesehatan",
        .address = "kadis.dinkes@dumai.example",
        .position = "kadis.dinkes",
        .agency = "DINKES",
        .place = "Dumai"},
    {.name = "Direktur PT Contoh Pelabuhan",
        .address = "direktur@contoh-pelabuhan.example",
        .place = "Tempat"},
    {.copy = true,
        .inside = true,
        .name = "Wali Kota Dumai",
        .address = "walikota@dumai.example",
        .position = "walikota",
        .agency = "WALIKOTA",
        .place = "Dumai"},
    {.copy = true,
        .inside = true,
        .name = "Sekretaris Daerah Kota Dumai",
        .address = "sekda@dumai.example",
        .position = "sekda",
        .agency = "SETDA",
        .place = "Dumai"},
};
#define SAMPLE_HEAD(title, x)                                                                \
	{                                                                                    \
		.inside = true, .name = title, .address = x "@dumai.example", .position = x, \
		.agency = "A", .place = "Dumai"                                              \
	}
static const struct letter_recipient sample_many[] = {
    SAMPLE_HEAD("Inspektur Daerah", "inspektur"),
    SAMPLE_HEAD("Kepala Dinas Kesehatan", "kadis.dinkes"),
    SAMPLE_HEAD("Kepala Dinas Pendidikan dan Kebudayaan", "kadis.disdikbud"),
    SAMPLE_HEAD("Kepala Dinas Pekerjaan Umum dan Penataan Ruang", "kadis.pupr"),
    SAMPLE_HEAD("Kepala Dinas Perhubungan", "kadis.dishub"),
    SAMPLE_HEAD("Kepala Dinas Lingkungan Hidup", "kadis.dlh"),
    SAMPLE_HEAD("Kepala Dinas Sosial", "kadis.dinsos"),
    SAMPLE_HEAD("Kepala Dinas Pemberdayaan Perempuan, Perlindungan Anak, Pengendalian Penduduk dan "
                "Keluarga Berencana",
        "kadis.dp3a"),
    SAMPLE_HEAD("Kepala Satuan Polisi Pamong Praja", "kasat.satpolpp"),
    SAMPLE_HEAD("Kepala Badan Perencanaan Pembangunan Daerah", "kaban.bappeda"),
    SAMPLE_HEAD("Camat Dumai Barat", "camat.dumai-barat"),
    SAMPLE_HEAD("Camat Sungai Sembilan", "camat.sungai-sembilan"),
    {.copy = true,
        .inside = true,
        .name = "Wali Kota Dumai",
        .address = "walikota@dumai.example",
        .position = "walikota",
        .agency = "WALIKOTA",
        .place = "Dumai"},
};

/* Before numbering. */
static inline struct letter sample_letter(void)
{
	return (struct letter){
	    .id = 7403917823401984,
	    .type = "ordinary_letter",
	    .scope = SCOPE_OUTSIDE,
	    .state = "draft",
	    .classification_code = "500.12",
	    .security_class = "open",
	    .urgency = "normal",
	    .subject = "Penunjukan petugas penghubung",
	    .summary = "Mohon petugas penghubung.",
	    .position = "kadis.diskominfo",
	    .position_title = "Kepala Dinas Komunikasi dan Informatika",
	    .position_block = "KEPALA DINAS KOMUNIKASI DAN INFORMATIKA",
	    .agency = "DISKOMINFO",
	    .agency_name = "Dinas Komunikasi dan Informatika",
	    .incumbency = 12,
	    .login = "kadis.diskominfo@dumai.example",
	    .capacity = "substantive",
	    .holder = "Pejabat Contoh 01, S.Kom., M.T.",
	    .rank_title = "Pembina Utama Muda",
	    .pay_grade = "IV/c",
	    .nip = "197001011995031000",
	    .print_rank = true,
	    .letterhead_kind = "agency",
	    .letterhead_lines = {"PEMERINTAH KOTA DUMAI", "DINAS KOMUNIKASI DAN INFORMATIKA",
	        "Jalan Contoh Nomor 1, Dumai 28800",
	        "Telepon (0765) 000000, surat.diskominfo@dumai.example"},
	    .place = "Dumai",
	    .registry_address = "surat.diskominfo@dumai.example",
	    .recipients = sample_company,
	    .recipient_count = 1,
	    .body_text = sample_short_body,
	    .message_id = "<7403917823401984@dumai.example>",
	};
}

static inline void sample_number(struct letter *letter)
{
	letter->number = "500.12/17/DISKOMINFO/2026";
	letter->date = "2026-11-24";
	letter->state = "numbered";
	letter->reply_to = "surat.diskominfo+0abc@dumai.example";
}

/* Secret and urgent, long subject, three addressees, copies, three enclosures. body:
 * sample_long_body and more. */
static inline struct letter sample_full(const char *body)
{
	struct letter letter = sample_letter();

	letter.subject = "Penyiapan pelaksanaan e-office tahun 2027 pada perangkat daerah, "
	                 "kecamatan dan kelurahan "
	                 "di lingkungan Pemerintah Kota Dumai";
	letter.security_class = "secret";
	letter.urgency = "urgent";
	letter.recipients = sample_mixed;
	letter.recipient_count = sizeof(sample_mixed) / sizeof(sample_mixed[0]);
	letter.enclosures = sample_enclosures;
	letter.enclosure_count = 3;
	letter.body_text = body;
	return letter;
}

/* Twelve addressees, by sub-delegation. */
static inline struct letter sample_circular(void)
{
	struct letter letter = sample_letter();

	letter.scope = SCOPE_INTER_AGENCY;
	letter.urgency = "immediate";
	letter.recipients = sample_many;
	letter.recipient_count = sizeof(sample_many) / sizeof(sample_many[0]);
	letter.capacity = "sub_delegated";
	letter.delegator_block = "WALI KOTA DUMAI";
	letter.via_block = "SEKRETARIS DAERAH";
	letter.position_title = "Asisten Administrasi Umum";
	letter.position_block = "ASISTEN ADMINISTRASI UMUM";
	letter.agency_name = "Sekretariat Daerah";
	letter.letterhead_kind = "secretariat";
	letter.letterhead_lines[1] = "SEKRETARIAT DAERAH";
	return letter;
}

/* The acting assistant, on behalf of the secretary. */
static inline struct letter sample_behalf(void)
{
	struct letter letter = sample_letter();

	letter.capacity = "on_behalf";
	letter.holder_capacity = "acting_vacant";
	letter.delegator_block = "SEKRETARIS DAERAH";
	letter.position_title = "Asisten Administrasi Umum";
	letter.position_block = "ASISTEN ADMINISTRASI UMUM";
	letter.agency_name = "Sekretariat Daerah";
	letter.letterhead_kind = "secretariat";
	letter.letterhead_lines[1] = "SEKRETARIAT DAERAH";
	return letter;
}

/* Acting head; one copy. */
static inline struct letter sample_acting(void)
{
	struct letter letter = sample_letter();

	letter.capacity = "acting_absent";
	letter.own_post_block = "SEKRETARIS DINAS";
	letter.recipients = sample_mixed + 1;
	letter.recipient_count = 3;
	letter.enclosures = sample_enclosures;
	letter.enclosure_count = 1;
	return letter;
}

/* The mayor: emblem, no rank. */
static inline struct letter sample_mayor(void)
{
	struct letter letter = sample_letter();

	letter.position_title = "Wali Kota Dumai";
	letter.position_block = "WALI KOTA DUMAI";
	letter.agency_name = "Wali Kota Dumai";
	letter.print_rank = false;
	letter.letterhead_kind = "mayor";
	letter.letterhead_lines[0] = "WALI KOTA DUMAI";
	letter.letterhead_lines[1] = letter.letterhead_lines[2] = letter.letterhead_lines[3] = NULL;
	return letter;
}

#endif
