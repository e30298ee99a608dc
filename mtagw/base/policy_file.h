/* policy_file: a file of a policy version as bytes; here because store keeps and policy reads it.
 */
#ifndef BASE_POLICY_FILE_H
#define BASE_POLICY_FILE_H

#include "mtagw/base/buf.h"

/* policies/<name>.xml, policies/schema/letter.rng, templates/<name>. */
struct policy_file {
	const char *path; /* `policies/index.xml` */
	struct range bytes;
};

#endif
