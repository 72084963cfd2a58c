/* SPDX-License-Identifier: Apache-2.0 */
/* Assurance levels: how surely it is known who somebody is. Text only in rows, in JSON and in what people write. */
#ifndef KR_AAL_H
#define KR_AAL_H

/** A higher one includes the lower: they are compared as numbers. */
typedef enum {
    KR_AAL0, /* nothing is proved, or nothing can be */
    KR_AAL1, /* one factor */
    KR_AAL2  /* a second one beside it */
} kr_aal_e;

/** "aal0", "aal1", "aal2". Static. */
const char *kr_aal_name(kr_aal_e level);
/**
 * The level of that name, spelled as kr_aal_name does.
 * @param out  KR_AAL0 when it is none: who forgets to look gives nothing away
 * @return 1, or 0 when the text is NULL or names no level
 */
int kr_aal_parse(kr_aal_e *out, const char *text);

#endif
