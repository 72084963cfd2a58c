/* SPDX-License-Identifier: Apache-2.0 */
/* Files of the source that are part of the library. */
#ifndef KR_EMBED_H
#define KR_EMBED_H

/**
 * Put a file into the library as it is, by the assembler: `symbol` is its text, with a NUL behind it. The Makefile runs from the
 * root, and must know that the object needs the file.
 */
#define KR_EMBED(symbol, path)                                                                                         \
    __asm__(".pushsection .rodata,\"a\",%progbits\n"                                                                   \
            ".global " #symbol "\n.hidden " #symbol "\n" #symbol ":\n.incbin \"" path "\"\n.byte 0\n"                  \
            ".popsection\n");                                                                                          \
    /* NOLINTNEXTLINE(bugprone-macro-parentheses): a name that it declares */                                          \
    extern const char symbol[] __attribute__((visibility("hidden")))

#endif
