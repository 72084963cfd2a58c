/* SPDX-License-Identifier: Apache-2.0 */
/* Password hashes against vectors made by others, and new hashes. */
#include "test.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <apr_general.h>
#include <apr_time.h>
#include <openssl/sha.h>

#include "kr_password.h"
#include "kr_text.h"

static apr_pool_t *pool;
static kr_ctx_t *k;

static const kr_hasher_t ARGON2 = {
    .memory = 8192, .iterations = 1, .parallelism = 2, .salt_length = 16, .key_length = 32
};
static const kr_hasher_t BCRYPT = { .bcrypt = 1, .bcrypt_cost = 4 };

static int matches(const char *password, const char *phc)
{
    int ok = -1;

    assert_null(kr_password_verify(&ok, k, password, phc));
    return ok;
}

static const char *hash(const kr_hasher_t *hasher, const char *password)
{
    const char *phc;

    assert_null(kr_password_hash(&phc, k, hasher, password));
    assert_non_null(phc);
    return phc;
}

static const char *repeated(char c, size_t len)
{
    char *text = apr_palloc(pool, len + 1);

    memset(text, c, len);
    text[len] = '\0';
    return text;
}

/* -- formats -------------------------------------------------------------- */

/* From the references named; those without a name were computed with Python's hashlib or `openssl passwd`. */
static const struct { const char *password, *phc; } VECTORS[] = {
    /* libargon2's own test program */
    { "password", "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4" },
    { "password", "$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$iekCn0Y3spW+sCcFanM2xBT63UP2sghkUoHLIUpWRS8" },
    /* crypt_blowfish' test program */
    { "U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW" },
    { "U*U*", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK" },
    { "U*U", "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW" },
    { "U*U", "$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW" },
    { "U*U", "$2z$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW" },
    { "U*U", "$2$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW" },
    { "\xff\xff\xa3", "$2y$05$/OK.fbVrR/bpIqNJ5ianF.CE5elHaaO4EbggVDjb8P19RukzXSM3e" },
    { "\xff\xff\xa3", "$2a$05$/OK.fbVrR/bpIqNJ5ianF.CE5elHaaO4EbggVDjb8P19RukzXSM3e" },
    /* RFC 7914 section 12 */
    { "pleaseletmein", "$scrypt$ln=16384,r=8,p=1$U29kaXVtQ2hsb3JpZGU=$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofLVQylV"
                       "YT8Pz2LUlwUkKpr55h6F3A1lHkDfzwF7RVdYhw==" },
    /* the sample of github.com/firebase/scrypt */
    { "user1password", "$firescrypt$ln=14,r=8,p=1$42xEC+ixf3L2lw==$lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZq"
                       "AjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==$Bw==$jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wj"
                       "LNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==" },
    /* RFC 6070, two iterations */
    { "password", "$pbkdf2-sha1$i=2,l=20$c2FsdA$6mwBTcctb4zNHtkqzh1B8NjeiVc" },
    { "correct horse", "$pbkdf2-sha1$i=1000,l=20$c29tZSBzYWx0IGhlcmUhIQ$K9uCaHWHWzfCoCYDYIhTrSC4Ls8" },
    { "correct horse", "$pbkdf2-sha256$i=1000,l=32$c29tZSBzYWx0IGhlcmUhIQ$jYNyo6XT/a5PhGY/Va7SoXxT75zVaCoS1kJN9j8GzOM"
                       "" },
    { "correct horse", "$pbkdf2-sha512$i=1000,l=64$c29tZSBzYWx0IGhlcmUhIQ$4/GAUyrZdCXCw0QpALF91GHJGvfgcbK05IBW1/pMzspp"
                       "9BOJEGaIYwRm0kYUXFOIqcUmECYJv2b2HoPQPXmwYg" },
    /* HMAC-SHA-384, then HMAC-SHA3-384, under the same name */
    { "correct horse", "$pbkdf2-sha384$i=1000,l=48$c29tZSBzYWx0IGhlcmUhIQ$Gk9eDYEbSjFLDX+zweuLdfIL5EabWA9YpIGIeMgxFe0w"
                       "XeVa7ZhT/q5NZ4fLfBXG" },
    { "correct horse", "$pbkdf2-sha384$i=1000,l=48$c29tZSBzYWx0IGhlcmUhIQ$fj/UfFAln1BzgkxhciMKcRoZ7WhcRrteaS8Y5NCSvYsX"
                       "DT0c5qRktnoHo4JkSQjH" },
    { "correct horse", "$pbkdf2-sha224$i=1000,l=28$c29tZSBzYWx0IGhlcmUhIQ$FXye1hIuAhNFm4/Vx330OYXHb7AzFiMc5AoZsQ" },
    { "correct horse", "$pbkdf2-sha999$i=1000,l=32$c29tZSBzYWx0IGhlcmUhIQ$jYNyo6XT/a5PhGY/Va7SoXxT75zVaCoS1kJN9j8GzOM"
                       "" },
    { "correct horse", "$scrypt$ln=16,r=1,p=1$c29tZSBzYWx0IGhlcmUhIQ==$YIchz0jmddGKSc61g4I9i3UY3Ek907nGVoCQkkkUBJI=" },
    { "correct horse", "$md5-crypt$saltsalt$NuzA7WTAelpl95xgBGWN60" },
    { "correct horse", "$1$saltsalt$NuzA7WTAelpl95xgBGWN60" },
    { "correct horse", "$apr1$saltsalt$EGVZDNN6gOqijy.tv9axG/" },
    { "password", "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=" },
    { "correct horse", "$sha256-crypt$saltsalt$myjXcpMpE2Ofk7fj9hqyNYSn6lmWG4Mqnjx.KIRRr4/" },
    { "correct horse", "$5$saltsalt$myjXcpMpE2Ofk7fj9hqyNYSn6lmWG4Mqnjx.KIRRr4/" },
    { "correct horse", "$sha512-crypt$saltsalt$hRM5XZ86KXEw9UOmjigeVqFgULtFB2sgpC9lXQDfMib3Zgw7mEiUvBJI2EplzfAqxL5Vvwp"
                       "2scFtv/uamSo5z0" },
    { "correct horse", "$6$saltsalt$hRM5XZ86KXEw9UOmjigeVqFgULtFB2sgpC9lXQDfMib3Zgw7mEiUvBJI2EplzfAqxL5Vvwp2scFtv/uamS"
                       "o5z0" },
    { "correct horse", "$5$rounds=10000$saltstring$ggJFhqdTxePyBHLQYFUkzFoOn.JeJ0OPTPpSZXyvS/3" },
    { "correct horse", "{SSHA}YjOxnlnw8lITpqjG3t+XV9jV7otwZXBwZXI=" },
    { "correct horse", "{SSHA256}iiBneCY1H83bKojQwRhnuXkXl3mOZIuJrAljDBgCy5BwZXBwZXI=" },
    { "correct horse", "{SSHA512}jKNzZGOpZV+d15b9woPUu/HlAvWT2N41SupXoEK6cIpe8kGEbagFMP62zqbEllyguDhie7qcSvb0YtWRmcfrE"
                       "XBlcHBlcg==" },
    /* the template is {SALT}-{PASSWORD}-{SALT} */
    { "correct horse", "$sha1$pf=e1NBTFR9LXtQQVNTV09SRH0te1NBTFR9$cGVwcGVy$ZkdRf+QFf19WqtAgqYpXyC55Wzw=" },
    { "correct horse", "$sha256$pf=e1NBTFR9LXtQQVNTV09SRH0te1NBTFR9$cGVwcGVy$NzkrZnJ9JvEECSotihsSWIWg19VTPO4FEMeQdO8U7"
                       "EU=" },
    { "correct horse", "$sha512$pf=e1NBTFR9LXtQQVNTV09SRH0te1NBTFR9$cGVwcGVy$VQt+pC/epYhW3uAPJEFZdnUo0D9WBzgBqxJPdtE0K"
                       "XDWp0zMEF2/wcnMmarrhOI2pJyEz3rGvXV7zLT758FUlQ==" },
    { "correct horse", "$md5$pf=e1NBTFR9LXtQQVNTV09SRH0te1NBTFR9$cGVwcGVy$qRVxKs3i1tF0vwDAi0a5PA==" },
    { "correct horse", "$md5$PLTnMmMfR+brlh80VUt83g==" },
    /* the template is {PASSWORD}{SALT}: what a password says is not filled in again */
    { "{SALT}", "$sha256$pf=e1BBU1NXT1JEfXtTQUxUfQ==$cGVwcGVy$IkTTHdvwIUrU9Sy9TgrxomBVlKljIDyxpzTUVtWH3dQ=" },
    { "correct horse", "$hmac-md4$NGE3MzkwYmU2NWFlMzRjZDg5NWQyMjk0YTFlZGIwMzM=$dGhlIGtleQ==" },
    { "correct horse", "$hmac-md5$YThiNjg3OGZjYjE3ZjFlMjgzYWJmZGM2MjE5ZTA2ZDI=$dGhlIGtleQ==" },
    { "correct horse", "$hmac-sha1$NzRkYjY1N2ZlN2ZhMjcyYjgwZjQ5OTFmMTk5ZTNlYTJjNmE0ZmU3YQ==$dGhlIGtleQ==" },
    { "correct horse", "$hmac-sha224$ZDUxNzhkOWUyMjlhYjhlZWRkNjI1NGVhMTNlMjdhZmQ5YWM5ZjUwYTY5ZjIwODQxNjczNWY1ZmY=$dGhl"
                       "IGtleQ==" },
    { "correct horse", "$hmac-sha256$ZmQ1YTcyZWRkMmQ3MjNiNDU3ODRkNTM0ODMzMTExYWYyYTJlZjg1NWEzMGIzMmI2Y2MxMjJjZjljM2JjY"
                       "2MwYQ==$dGhlIGtleQ==" },
    { "correct horse", "$hmac-sha384$NTYxOGY4YmM5MjYxZTY3YmE5ZjA4YzY5MGNiZDQyM2MzNjhhZDA1N2UzNTNjZmM0YmEzZDkxNjY1Nzc0N"
                       "GUzNGM0ZmJhMjljMTY5M2E0M2M5NTQzZjY5OWVkZDUxM2Ey$dGhlIGtleQ==" },
    { "correct horse", "$hmac-sha512$YTY3MjI4ZmZkMzExOGNmNjllNDVhYmJlM2IwY2RlOTM3YjYxM2QwNGZiYjQxMzBhMWU0MTBjNTdhNzQyM"
                       "TRiNTZmMDJlOTllYTkyODc2ZjJhOGUzZmMyN2Q0NTg0ODY0ODQ0OTRhNTJjNDk0YzA5NzJiMDI3ZTg1NjI5OTY0MjA=$dG"
                       "hlIGtleQ==" },
};

static void every_format_takes_its_password_and_no_other(void **state)
{
    (void)state;
    for (int i = 0; i < KR_DIM(VECTORS); i++) {
        const char *other = apr_pstrcat(pool, VECTORS[i].password, "x", NULL);

        if (matches(VECTORS[i].password, VECTORS[i].phc) != 1) fail_msg("no match: %s", VECTORS[i].phc);
        if (matches(other, VECTORS[i].phc) || matches("", VECTORS[i].phc)) fail_msg("matched: %s", VECTORS[i].phc);
        if (!kr_password_importable(VECTORS[i].phc)) fail_msg("not importable: %s", VECTORS[i].phc);
    }
}

static void a_hash_cut_short_or_changed_matches_nothing(void **state)
{
    (void)state;
    for (int i = 0; i < KR_DIM(VECTORS); i++) {
        size_t len = strlen(VECTORS[i].phc);

        /* the beginning of these keys is the right key of a shorter hash */
        if (strstr(VECTORS[i].phc, "pbkdf2") || strstr(VECTORS[i].phc, "scrypt")) continue;
        while (VECTORS[i].phc[len - 1] == '=') len--; /* padding may be left out */
        for (size_t cut = 0; cut < len; cut += 3) {
            const char *phc = apr_pstrmemdup(pool, VECTORS[i].phc, cut);

            if (matches(VECTORS[i].password, phc) || matches("", phc)) fail_msg("matched: %s", phc);
        }
    }
}

/* PHP's manual shows this hash. */
static void des_looks_at_eight_characters_and_is_outdated_for_any_hasher(void **state)
{
    static const char phc[] = "{CRYPT}rl.3StKT.4T8M";

    (void)state;
    assert_true(kr_password_importable(phc));
    assert_int_equal(matches("rasmuslerdorf", phc), 1);
    assert_int_equal(matches("rasmusle", phc), 1);
    assert_int_equal(matches("rasmusl", phc), 0);
    assert_int_equal(matches("", phc), 0);
    assert_true(kr_password_outdated(&ARGON2, phc) && kr_password_outdated(&BCRYPT, phc));
}

static void unknown_and_degenerate_hashes_match_nothing(void **state)
{
    static const char *const hashes[] = {
        "", "correct horse", "$", "$$", "$0$x$y", "*0", "rOSG5.S64fkZI", "$P$BlaBlaBlaBla",
        "$2x$05$CCCCCCCCCCCCCCCCCCCCC.E",
        "$md5$", "{SSHA}", "{SSHA}2jmj7l5rSw0yVb/vlWAYkK/YBwk=", /* the digest of nothing, without a salt */
        "$pbkdf2-sha256$i=1,l=0$c2FsdA$", "$scrypt$ln=16,r=1,p=1$c2FsdA==$", "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$",
        "$firescrypt$ln=4,r=1,p=1$c2FsdA==$$Bw==$", "$hmac-md5$$", "$hmac-md5$$dGhlIGtleQ==",
        "$1$", "$6$salt$", "$apr1$", "{SHA}", "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mjw==", "{CRYPT}", "{CRYPT}*0", "{CRYPT}rl.3StKT.4T8",
        "{CRYPT}$1$saltsalt$EGVZDNN6gOqijy.tv9axG/", "rl.3StKT.4T8M",
        "$sha256$pf=e1NBTFR9$cGVwcGVy$jLvPKdnO+JZ1xfXB3P6CfQVwQWpaq6MN0N4VlmGtkFs=", /* {SALT} alone: any would do */
        "$argon2d$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=16$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=19$m=256,t=2,p=1,$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=19$m=+256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
        "$argon2id$v=19$m=4294967552,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
    };

    (void)state;
    for (int i = 0; i < KR_DIM(hashes); i++) {
        if (matches("", hashes[i]) || matches("correct horse", hashes[i]) || matches("password", hashes[i])) {
            fail_msg("matched: %s", hashes[i]);
        }
    }
    assert_int_equal(matches("password", NULL), 0);
    assert_int_equal(matches("password", apr_pstrcat(pool, "$md5$", repeated('A', 100000), NULL)), 0);
    assert_int_equal(matches(NULL, "$md5$PLTnMmMfR+brlh80VUt83g=="), 0);
}

static void parameters_beyond_the_bounds_are_neither_imported_nor_computed(void **state)
{
    static const struct { const char *phc; int importable; } cases[] = {
        { "$2a$15$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", 1 },
        { "$2a$16$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", 0 },
        { "$2a$03$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", 0 },
        { "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOe", 0 },
        { "$argon2id$v=19$m=1048576,t=10,p=16$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEg", 1 },
        { "$argon2id$v=19$m=1048577,t=1,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEg", 0 },
        { "$argon2id$v=19$m=1024,t=11,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEg", 0 },
        { "$argon2id$v=19$m=1024,t=1,p=17$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEg", 0 },
        { "$argon2i$v=19$m=1024,t=0,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEg", 0 },
        { "$pbkdf2-sha256$i=10000000,l=32$c2FsdA$nf65EOgLrQMR/uIPnA4rEg", 1 },
        { "$pbkdf2-sha256$i=10000001,l=32$c2FsdA$nf65EOgLrQMR/uIPnA4rEg", 0 },
        { "$pbkdf2-sha256$i=0,l=32$c2FsdA$nf65EOgLrQMR/uIPnA4rEg", 0 },
        { "$scrypt$ln=131072,r=8,p=10$c2FsdA==$nf65EOgLrQMR/uIPnA4rEg==", 1 },
        { "$scrypt$ln=262144,r=8,p=1$c2FsdA==$nf65EOgLrQMR/uIPnA4rEg==", 0 },
        { "$scrypt$ln=16384,r=9,p=1$c2FsdA==$nf65EOgLrQMR/uIPnA4rEg==", 0 },
        { "$scrypt$ln=16384,r=8,p=11$c2FsdA==$nf65EOgLrQMR/uIPnA4rEg==", 0 },
        { "$scrypt$ln=14,r=8,p=1$c2FsdA==$nf65EOgLrQMR/uIPnA4rEg==", 0 }, /* no power of two: ln is N itself */
        { "$firescrypt$ln=17,r=8,p=1$c2FsdA==$nf65EOgLrQMR/uIPnA4rEg==$Bw==$nf65EOgLrQMR/uIPnA4rEg==", 1 },
        { "$firescrypt$ln=18,r=8,p=1$c2FsdA==$nf65EOgLrQMR/uIPnA4rEg==$Bw==$nf65EOgLrQMR/uIPnA4rEg==", 0 },
        { "$5$rounds=1000000$saltstring$ggJFhqdTxePyBHLQYFUkzFoOn.JeJ0OPTPpSZXyvS/3", 1 },
        { "$5$rounds=1000001$saltstring$ggJFhqdTxePyBHLQYFUkzFoOn.JeJ0OPTPpSZXyvS/3", 0 },
        { "$6$salt$tooshort", 0 },
        { "$apr1$salt$tooshort", 0 },
        { "$hmac-sha256$anything", 1 }, /* Kratos looks at the prefix only */
        { "$hmac-sha3$anything", 0 },
        { "plain", 0 },
    };

    (void)state;
    for (int i = 0; i < KR_DIM(cases); i++) {
        apr_time_t begin = apr_time_now();

        if (kr_password_importable(cases[i].phc) != cases[i].importable) fail_msg("import of %s", cases[i].phc);
        if (!cases[i].importable) assert_int_equal(matches("password", cases[i].phc), 0);
        if (!cases[i].importable) assert_true(apr_time_now() - begin < apr_time_from_sec(1));
    }
    assert_int_equal(kr_password_importable(NULL), 0);
}

static void overlong_passwords_match_nothing(void **state)
{
    const char *long72 = repeated('a', 72), *long73 = repeated('a', 73);
    const char *most = repeated('a', KR_PASSWORD_MAX), *more = repeated('a', KR_PASSWORD_MAX + 1);
    const char *phc = hash(&ARGON2, most);
    kr_err_t *err;

    (void)state;
    assert_int_equal(matches(long72, hash(&BCRYPT, long72)), 1);
    assert_int_equal(matches(long73, hash(&BCRYPT, long72)), 0); /* bcrypt alone would say yes */
    assert_int_equal(matches(most, phc), 1);
    assert_int_equal(matches(more, phc), 0);

    err = kr_password_hash(&phc, k, &BCRYPT, long73);
    assert_int_equal(err->status, 400);
    assert_null(phc);
    err = kr_password_hash(&phc, k, &ARGON2, more);
    assert_int_equal(err->status, 400);
}

/* -- new hashes ----------------------------------------------------------- */

static void new_hashes_say_what_they_are_and_verify(void **state)
{
    const char *argon2 = hash(&ARGON2, "correct horse"), *bcrypt = hash(&BCRYPT, "correct horse");

    (void)state;
    assert_memory_equal(argon2, "$argon2id$v=19$m=8192,t=1,p=2$", 30);
    assert_int_equal(strlen(argon2), 30 + 22 + 1 + 43); /* 16 and 32 bytes, base64 without padding */
    assert_memory_equal(bcrypt, "$2a$04$", 7);
    assert_int_equal(strlen(bcrypt), 60);
    assert_int_equal(matches("correct horse", argon2), 1);
    assert_int_equal(matches("correct horse", bcrypt), 1);
    assert_int_equal(matches("correct Horse", argon2), 0);
    assert_int_equal(matches("correct Horse", bcrypt), 0);
    assert_string_not_equal(argon2, hash(&ARGON2, "correct horse"));
    assert_string_not_equal(bcrypt, hash(&BCRYPT, "correct horse"));
    assert_int_equal(kr_password_importable(argon2) && kr_password_importable(bcrypt), 1);
}

static void a_hasher_beyond_the_bounds_still_makes_hashes_that_verify(void **state)
{
    kr_hasher_t wide = ARGON2;
    const char *phc;

    (void)state;
    wide.parallelism = 64; /* twice the cores of a large machine, as is Kratos' default */
    phc = hash(&wide, "correct horse");
    assert_int_equal(matches("correct horse", phc), 1);
    assert_int_equal(kr_password_outdated(&wide, phc), 0);
}

static void a_hash_is_outdated_when_the_hasher_would_make_another_kind(void **state)
{
    const char *argon2 = hash(&ARGON2, "x"), *bcrypt = hash(&BCRYPT, "x");
    kr_hasher_t other;

    (void)state;
    assert_int_equal(kr_password_outdated(&ARGON2, argon2), 0);
    assert_int_equal(kr_password_outdated(&BCRYPT, bcrypt), 0);
    assert_int_equal(kr_password_outdated(&ARGON2, bcrypt), 1);
    assert_int_equal(kr_password_outdated(&BCRYPT, argon2), 1);
    assert_int_equal(kr_password_outdated(&BCRYPT, "$1$saltsalt$NuzA7WTAelpl95xgBGWN60"), 1);
    assert_int_equal(kr_password_outdated(&BCRYPT, "nonsense"), 1);
    assert_int_equal(kr_password_outdated(&BCRYPT, "$2y$04$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"), 0);

    other = BCRYPT, other.bcrypt_cost = 5;
    assert_int_equal(kr_password_outdated(&other, bcrypt), 1);
    other = ARGON2, other.memory = 16384;
    assert_int_equal(kr_password_outdated(&other, argon2), 1);
    other = ARGON2, other.iterations = 2;
    assert_int_equal(kr_password_outdated(&other, argon2), 1);
    other = ARGON2, other.parallelism = 1;
    assert_int_equal(kr_password_outdated(&other, argon2), 1);
    other = ARGON2, other.salt_length = 24;
    assert_int_equal(kr_password_outdated(&other, argon2), 1);
    other = ARGON2, other.key_length = 64;
    assert_int_equal(kr_password_outdated(&other, argon2), 1);
}

/* The least CPU time of some rounds, µs: other work on the machine only ever adds. */
static apr_time_t least_cpu(const kr_hasher_t *hasher, const char *phc, const char *password)
{
    clock_t least = 0;
    int ok;

    for (int i = 0; i < 7; i++) {
        clock_t begin = clock(), took;

        assert_null(phc ? kr_password_verify(&ok, k, password, phc) : kr_password_burn(k, hasher, password));
        took = clock() - begin;
        if (!i || took < least) least = took;
    }
    return (apr_time_t)least * 1000000 / CLOCKS_PER_SEC;
}

static void an_unknown_identifier_costs_what_a_wrong_password_costs(void **state)
{
    kr_hasher_t bcrypt = BCRYPT;
    const kr_hasher_t *hashers[] = { &ARGON2, &bcrypt };

    (void)state;
    bcrypt.bcrypt_cost = 8;
    for (int i = 0; i < KR_DIM(hashers); i++) {
        apr_time_t verify = least_cpu(hashers[i], hash(hashers[i], "correct horse"), "wrong horse");
        apr_time_t burn = least_cpu(hashers[i], NULL, "wrong horse");

        assert_in_range(burn, verify / 2, verify * 2);
    }
}

/* -- letters that come in two forms --------------------------------------- */

#define COMPOSED "pass\xC3\xA9 \xEA\xB0\x80 long"                               /* e-acute; a Hangul syllable */
#define DECOMPOSED "passe\xCC\x81 \xE1\x84\x80\xE1\x85\xA1 long"

static void a_password_is_the_same_composed_and_decomposed(void **state)
{
    static const char *const FORMS[] = { COMPOSED, DECOMPOSED };

    (void)state;
    for (int i = 0; i < KR_DIM(FORMS); i++) {
        for (int bcrypt = 0; bcrypt <= 1; bcrypt++) {
            const char *phc = hash(bcrypt ? &BCRYPT : &ARGON2, FORMS[i]);

            assert_int_equal(matches(COMPOSED, phc), 1);
            assert_int_equal(matches(DECOMPOSED, phc), 1);
            assert_int_equal(matches("passe long", phc), 0);
            assert_int_equal(matches("pass\xC3\xA9 long", phc), 0);
        }
    }
    /* compatible is not canonical: full-width letters and ligatures are other letters */
    assert_int_equal(matches("of\xEF\xAC\x81" "ce key", hash(&ARGON2, "office key")), 0);
    assert_int_equal(matches("\xEF\xBD\x81" "bcdefgh", hash(&ARGON2, "abcdefgh")), 0);
}

static void an_imported_hash_of_decomposed_bytes_matches_what_it_was_made_of(void **state)
{
    unsigned char digest[20];
    const char *phc;

    (void)state;
    SHA1((const unsigned char *)DECOMPOSED, strlen(DECOMPOSED), digest);
    phc = apr_pstrcat(pool, "{SHA}", kr_base64(pool, digest, sizeof(digest)), NULL);
    assert_int_equal(matches(DECOMPOSED, phc), 1);
    assert_int_equal(matches(COMPOSED, phc), 0);
    SHA1((const unsigned char *)COMPOSED, strlen(COMPOSED), digest);
    phc = apr_pstrcat(pool, "{SHA}", kr_base64(pool, digest, sizeof(digest)), NULL);
    assert_int_equal(matches(DECOMPOSED, phc), 1);
    assert_int_equal(matches(COMPOSED, phc), 1);
}

static void what_is_no_text_is_compared_as_bytes(void **state)
{
    const char *latin1 = "pass\xE9 long", *phc = hash(&ARGON2, latin1);

    (void)state;
    assert_ptr_equal(kr_password_composed(pool, latin1), latin1);
    assert_ptr_equal(kr_password_composed(pool, COMPOSED), COMPOSED);
    assert_string_equal(kr_password_composed(pool, DECOMPOSED), COMPOSED);
    assert_int_equal(matches(latin1, phc), 1);
    assert_int_equal(matches(COMPOSED, phc), 0);
}

static void the_limit_holds_for_what_is_hashed(void **state)
{
    const char *phc = "", *grows = ""; /* U+0958, three bytes, is never composed: NFC makes six of them */
    kr_err_t *err;

    (void)state;
    for (int i = 0; i < 20; i++) grows = apr_pstrcat(pool, grows, "\xE0\xA5\x98", NULL);
    err = kr_password_hash(&phc, k, &BCRYPT, grows);
    assert_non_null(err);
    assert_int_equal(err->status, 400);
    assert_null(phc);
    assert_int_equal(matches(grows, hash(&ARGON2, grows)), 1);
}

/* Whoever types it, and whoever has the account: the form of the password alone decides. */
static void a_decomposed_password_costs_the_same_known_and_unknown_and_two_hashes_at_most(void **state)
{
    kr_hasher_t bcrypt = BCRYPT;
    apr_time_t one, known, unknown;
    const char *phc;

    (void)state;
    bcrypt.bcrypt_cost = 8;
    phc = hash(&bcrypt, "correct horse");
    one = least_cpu(&bcrypt, phc, "a wrong one");
    known = least_cpu(&bcrypt, phc, DECOMPOSED);
    unknown = least_cpu(&bcrypt, NULL, DECOMPOSED);
    assert_in_range(known, one * 3 / 2, one * 5 / 2);
    assert_in_range(unknown, known * 3 / 4, known * 4 / 3);
}

static void hashing_with_a_database_connection_in_hand_is_a_bug(void **state)
{
    pid_t pid = fork();
    int status;

    (void)state;
    if (!pid) {
        kr_ctx_t held = *k;
        int ok;

        fclose(stderr);
        held.db = (kr_dbconn_t *)(void *)&held;
        _exit(kr_password_verify(&ok, &held, "x", VECTORS[2].phc) != NULL);
    }
    waitpid(pid, &status, 0);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_format_takes_its_password_and_no_other),
        cmocka_unit_test(a_hash_cut_short_or_changed_matches_nothing),
        cmocka_unit_test(des_looks_at_eight_characters_and_is_outdated_for_any_hasher),
        cmocka_unit_test(unknown_and_degenerate_hashes_match_nothing),
        cmocka_unit_test(parameters_beyond_the_bounds_are_neither_imported_nor_computed),
        cmocka_unit_test(overlong_passwords_match_nothing),
        cmocka_unit_test(new_hashes_say_what_they_are_and_verify),
        cmocka_unit_test(a_hasher_beyond_the_bounds_still_makes_hashes_that_verify),
        cmocka_unit_test(a_hash_is_outdated_when_the_hasher_would_make_another_kind),
        cmocka_unit_test(an_unknown_identifier_costs_what_a_wrong_password_costs),
        cmocka_unit_test(a_password_is_the_same_composed_and_decomposed),
        cmocka_unit_test(an_imported_hash_of_decomposed_bytes_matches_what_it_was_made_of),
        cmocka_unit_test(what_is_no_text_is_compared_as_bytes),
        cmocka_unit_test(the_limit_holds_for_what_is_hashed),
        cmocka_unit_test(a_decomposed_password_costs_the_same_known_and_unknown_and_two_hashes_at_most),
        cmocka_unit_test(hashing_with_a_database_connection_in_hand_is_a_bug),
    };
    int failed;

    apr_initialize();
    apr_pool_create(&pool, NULL);
    k = kr_ctx_make(pool, NULL, KR_LOG_ERR);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    apr_terminate();
    return failed;
}
