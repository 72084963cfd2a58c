/* SPDX-License-Identifier: Apache-2.0 */
/* The files of src/ui/pages, as parts of the library. */
#include "kr_embed.h"
#include "ui.h"

KR_EMBED(kr_ui_file_layout, "src/ui/pages/layout.html");
KR_EMBED(kr_ui_file_style, "src/ui/pages/style.css");
KR_EMBED(kr_ui_file_en, "src/ui/pages/words/en.json");
KR_EMBED(kr_ui_file_de, "src/ui/pages/words/de.json");
KR_EMBED(kr_ui_file_fr, "src/ui/pages/words/fr.json");
KR_EMBED(kr_ui_file_es, "src/ui/pages/words/es.json");

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
