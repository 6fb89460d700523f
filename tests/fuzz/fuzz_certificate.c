/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates of strangers, which reach us before anybody has verified them, and what an operator
 * may write into an entry. None of them is signed by our authority, so none is believed. The input is
 * a letter, then DER that is made a PEM of (d), or a text as the web server hands it on (t). */
#include "crypto/certificate.h"
#include "fuzz.h"
#include "paper.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/json.h"
#include "util/text.h"

/* Of this process: libFuzzer calls functions without context. */
static struct anchors *anchors;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct paper *ca = paper_new(
		&(struct paper_terms){ .authority = true, .common_name = "fuzz" });

	(void)argc;
	(void)argv;
	MUST(!anchors_read(paper_pem(ca), strlen(paper_pem(ca)), &anchors, NULL));
	paper_free(ca);
	return 0;
}

/* What is read of it is text, and nothing more. */
static void read_names(const struct certificate *certificate)
{
	for (int kind = CERTIFICATE_COMMON_NAME; kind <= CERTIFICATE_URI; kind++) {
		json_t *names = certificate_names(certificate, (enum certificate_name)kind);
		const json_t *name;
		size_t i;

		MUST(names);
		json_array_foreach(names, i, name)
		{
			MUST(strlen(json_string_value(name)) == json_string_length(name));
			MUST(text_is_printable(json_string_value(name), json_string_length(name)));
		}
		json_decref(names);
	}
}

static void read_certificate(const struct buf *pem)
{
	struct certificate_mark itself, signer;
	unsigned char digest[SHA256_SIZE];
	struct certificate *certificate;
	struct buf text = BUF_INIT;

	if (certificate_read(buf_text(pem), pem->size, &certificate))
		return;
	read_names(certificate);
	certificate_add_serial(certificate, &text);
	certificate_add_subject_key(certificate, &text);
	certificate_add_authority_key(certificate, &text);
	MUST(text_is_printable(buf_text(&text), text.size));
	certificate_key_digest(certificate, digest);
	certificate_marks(certificate, &itself, &signer);
	MUST(anchors_fault(anchors, certificate, clock_now()));
	buf_free(&text);
	certificate_free(certificate);
}

static void read_anchors(const struct buf *pem)
{
	struct certificate_mark marks[ANCHORS_MARKS_MAX];
	struct anchors *read;
	size_t count;

	if (anchors_read(buf_text(pem), pem->size, &read, NULL))
		return;
	if (!anchors_marks(read, marks, &count))
		MUST(count >= 1 && count <= ANCHORS_MARKS_MAX);
	anchors_free(read);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf pem = BUF_INIT;

	if (!size)
		return 0;
	if (data[0] == 'd') {
		buf_add_text(&pem, "-----BEGIN CERTIFICATE-----\n");
		text_base64(&pem, data + 1, size - 1);
		buf_add_text(&pem, "\n-----END CERTIFICATE-----\n");
	} else if (text_percent_decode(&pem, (const char *)data + 1, size - 1)) {
		buf_clear(&pem);
	}
	read_certificate(&pem);
	read_anchors(&pem);
	buf_free(&pem);
	return 0;
}
