/* SPDX-License-Identifier: Apache-2.0 */
/* The channel file:///folder: messages become files, for demonstrations, tests, and whoever carries them on. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "kr_text.h"
#include "courier.h"

static int write_all(int fd, const char *text, apr_size_t len)
{
    while (len) {
        ssize_t n = write(fd, text, len);

        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return 0;
        text += n;
        len -= (apr_size_t)n;
    }
    return 1;
}

static kr_net_mailed_t failed(apr_pool_t *pool, const char *what)
{
    return (kr_net_mailed_t){ KR_MAIL_UNREACHABLE, apr_psprintf(pool, "the folder: %s: %s", what, strerror(errno)),
                              NULL };
}

/* Under a name of its own first, so that nobody reads half a message. A message that comes again replaces itself. */
kr_net_mailed_t kr_folder_drop(apr_pool_t *pool, const char *folder, const char *id, const char *text, apr_size_t len)
{
    const char *part = apr_pstrcat(pool, folder, "/.", id, ".part", NULL),
               *file = apr_pstrcat(pool, folder, "/", id, ".eml", NULL);
    int fd, written;

    if (!kr_uuid_valid(id)) return (kr_net_mailed_t){ KR_MAIL_REFUSED, "its id makes no file name", NULL };
    fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0640);
    if (fd < 0) return failed(pool, "open");
    written = write_all(fd, text, len);
    if (close(fd) || !written) {
        kr_net_mailed_t out = failed(pool, "write");

        unlink(part);
        return out;
    }
    if (rename(part, file)) return failed(pool, "rename");
    return (kr_net_mailed_t){ .fate = KR_MAIL_SENT };
}
