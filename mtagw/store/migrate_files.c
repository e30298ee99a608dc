/*
 * migrate_files: the SQL of mtagw/store/migrations inside the program, so that what is installed
 * needs no source beside it. The assembler takes the bytes in (.incbin, path from the repository's
 * root, where the compiler runs). A new file is one MIGRATION line and one row of the table; a test
 * compares the table with the directory.
 */
#include "mtagw/store/migrate.h"

#define MIGRATION(symbol, name)                                             \
	extern const char migration_##symbol[], migration_##symbol##_end[]; \
	__asm__(".pushsection .rodata\n"                                    \
	        ".global migration_" #symbol "\n"                           \
	        "migration_" #symbol ":\n"                                  \
	        ".incbin \"mtagw/store/migrations/" name "\"\n"             \
	        ".global migration_" #symbol "_end\n"                       \
	        "migration_" #symbol "_end:\n"                              \
	        ".byte 0\n"                                                 \
	        ".popsection\n")

MIGRATION(0001, "0001_base.sql");
MIGRATION(0002, "0002_incoming.sql");
MIGRATION(0003, "0003_dsn.sql");
MIGRATION(0004, "0004_number_once.sql");
MIGRATION(0005, "0005_accept.sql");
MIGRATION(0006, "0006_batches.sql");
MIGRATION(0007, "0007_numbers.sql");
MIGRATION(0008, "0008_delivery.sql");
MIGRATION(0009, "0009_answers.sql");

const struct migrate_file migrate_files[] = {
    {"0001_base.sql", migration_0001, migration_0001_end},
    {"0002_incoming.sql", migration_0002, migration_0002_end},
    {"0003_dsn.sql", migration_0003, migration_0003_end},
    {"0004_number_once.sql", migration_0004, migration_0004_end},
    {"0005_accept.sql", migration_0005, migration_0005_end},
    {"0006_batches.sql", migration_0006, migration_0006_end},
    {"0007_numbers.sql", migration_0007, migration_0007_end},
    {"0008_delivery.sql", migration_0008, migration_0008_end},
    {"0009_answers.sql", migration_0009, migration_0009_end},
    {NULL, NULL, NULL},
};
