/* SPDX-License-Identifier: Apache-2.0 */
/* Entries of auth/cert: which certificates log in, and what their tokens are to be.
 *
 * An entry is a JSON object under its name (store/key.h, family N) with the members of a new one:
 * the certificates that it believes, patterns of names, and what tokens get. An index (family n)
 * leads from marks of certificates (crypto/certificate.h) to the entries that may believe them; it
 * changes in the same batch. As with identities (identity.h), each entry has an id and a root in the
 * forest of tokens, by which its tokens die in one commit with it. */
#ifndef AUTH_CERT_ENTRY_H
#define AUTH_CERT_ENTRY_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/auth.h"

struct anchors;
struct certificate;
struct certificate_mark;
struct store;
struct vouched;

#define CERT_ENTRY_MAX (128 * 1024) /* bytes of an entry's record */
#define CERT_PATH      "auth/cert/login"

/* How many entries with the same authority a login without name tries. */
#define CERT_CANDIDATES_MAX 256

/* An entry as one is that nobody has said anything about. New; NULL if memory is out. */
json_t *cert_entry_new(void);

/* *entry_out is new; "id" and "marks" are among its members, and not for clients. revision_out may be
 * NULL. 0, LH_ENOENT, LH_ECORRUPT, LH_EIO, LH_ENOMEM. */
int cert_entry_get(struct store *store, const char *name, json_t **entry_out,
		   uint64_t *revision_out);

/* Stores an entry as it was changed since that revision; 0: a new one, which is given its id here.
 * anchors: those of its certificates. 0; LH_ECONFLICT: read it again; LH_ERANGE: it is too long;
 * LH_EFULL, LH_EIO, LH_ENOMEM. */
int cert_entry_put(struct store *store, const char *name, json_t *entry, uint64_t revision,
		   const struct anchors *anchors);

/* Deletes an entry, and kills its tokens in the same commit; the revoker does the rest. 0 also when
 * there is none. LH_ECONFLICT: somebody else did it at once; else as above. */
int cert_entry_delete(struct store *store, const char *name);

/* Names in order, behind `after` ("": all), at most max. A non-zero return of add ends it and is
 * returned. */
typedef int (*cert_entry_visit)(void *context, const char *name);
int cert_entry_list(struct store *store, const char *after, size_t max, cert_entry_visit add,
		    void *context);

/* The same of the entries that a mark leads to. */
int cert_entry_candidates(struct store *store, const struct certificate_mark *mark, size_t max,
			  cert_entry_visit add, void *context);

/* Why the entry does not let the certificate in at that time (seconds since 1970): *fault_out is
 * literal, NULL: it does. 0, LH_EIO, LH_ENOMEM. */
int cert_entry_judge(const json_t *entry, const struct certificate *certificate,
		     struct vouched *vouched, int64_t now, const char **fault_out);

/* Who the owner of the certificate's key is by this entry, and the entry's root. 0, LH_EIO,
 * LH_ENOMEM. */
int cert_entry_owner(struct store *store, const json_t *entry,
		     const struct certificate *certificate,
		     unsigned char identity_out[KEYRING_NAME_SIZE],
		     unsigned char root_out[KEYRING_NAME_SIZE]);

#endif
