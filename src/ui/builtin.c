/* SPDX-License-Identifier: Apache-2.0 */
/* The files of src/ui/pages, put into the library as they are by the assembler. The Makefile runs from the root. */
#include "ui.h"

#define EMBED(symbol, path)                                                                                            \
    __asm__(".pushsection .rodata,\"a\",%progbits\n"                                                                   \
            ".global " #symbol "\n.hidden " #symbol "\n" #symbol ":\n.incbin \"" path "\"\n.byte 0\n"                  \
            ".popsection\n");                                                                                          \
    extern const char symbol[] __attribute__((visibility("hidden")))

EMBED(kr_ui_file_layout, "src/ui/pages/layout.html");
EMBED(kr_ui_file_style, "src/ui/pages/style.css");
EMBED(kr_ui_file_en, "src/ui/pages/words/en.json");
EMBED(kr_ui_file_de, "src/ui/pages/words/de.json");
EMBED(kr_ui_file_fr, "src/ui/pages/words/fr.json");
EMBED(kr_ui_file_es, "src/ui/pages/words/es.json");

const char *ui_builtin(const char *name)
{
    static const struct {
        const char *name, *text;
    } files[] = {
        { "layout.html", kr_ui_file_layout }, { "style.css", kr_ui_file_style },     { "words/en.json", kr_ui_file_en },
        { "words/de.json", kr_ui_file_de },   { "words/fr.json", kr_ui_file_fr },    { "words/es.json", kr_ui_file_es },
    };

    for (apr_size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
        if (strcmp(files[i].name, name) == 0) return files[i].text;
    return NULL;
}
