/* SPDX-License-Identifier: Apache-2.0 */
/* The records of this room: one method, one file. */
#ifndef METHOD_PRIVATE_H
#define METHOD_PRIVATE_H

#include "kr_method.h"

extern const kr_method_t kr_method_profile;
extern const kr_method_t kr_method_password;
extern const kr_method_t kr_method_code;
extern const kr_method_t kr_method_link;
extern const kr_method_t kr_method_identifier_first;

#endif
