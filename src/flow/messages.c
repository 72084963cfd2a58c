/* SPDX-License-Identifier: Apache-2.0 */
/* Every message a form can show. Ids, types and contexts are Kratos', because clients go by them; the words are ours. */
#include <stdlib.h>
#include <string.h>

#include "kr_flow.h"
#include "kr_json.h"
#include "kr_metrics.h"
#include "kr_text.h"

typedef struct {
    int id;
    const char *type;
    const char *text; /* {key} is taken from the context */
} message_t;

#define INFO "info"
#define ERROR "error"
#define SUCCESS "success"

/* Sorted by id: found by bsearch, and a unit test checks the order. */
static const message_t MESSAGES[] = {
    { 1010001, INFO, "Sign in" },
    { 1010002, INFO, "Sign in with {provider}" },
    { 1010003, INFO, "Please confirm that it is you." },
    { 1010004, INFO, "Please complete the second step." },
    { 1010005, INFO, "Verify" },
    { 1010006, INFO, "Authenticator code" },
    { 1010007, INFO, "Backup code" },
    { 1010008, INFO, "Sign in with a security key" },
    { 1010009, INFO, "Use the authenticator" },
    { 1010010, INFO, "Use a backup code" },
    { 1010011, INFO, "Go on with the security key" },
    { 1010012, INFO, "Have your device ready, then go on." },
    { 1010013, INFO, "Continue" },
    { 1010014, INFO, "If that address has an account, a code is on its way to it." },
    { 1010015, INFO, "Send me a sign-in code" },
    { 1010016, INFO, "{duplicateIdentifier} has an account here already. Sign in to it to add {provider}." },
    { 1010017, INFO, "Sign in and link" },
    { 1010018, INFO, "Sign in with {provider} and link" },
    { 1010019, INFO, "Ask for a code to go on" },
    { 1010021, INFO, "Sign in with a passkey" },
    { 1010022, INFO, "Sign in with password" },
    { 1010023, INFO, "Send the code to {address}" },
    { 1010024, INFO, "Sign in with this device" },
    { 1010025, INFO, "A code is on its way to the address you chose." },
    { 1040001, INFO, "Sign up" },
    { 1040002, INFO, "Sign up with {provider}" },
    { 1040003, INFO, "Continue" },
    { 1040004, INFO, "Sign up with a security key" },
    { 1040005, INFO, "A code is on its way to your address." },
    { 1040006, INFO, "Send me a sign-up code" },
    { 1040007, INFO, "Sign up with a passkey" },
    { 1040008, INFO, "Back" },
    { 1040009, INFO, "Choose how you want to sign in." },
    { 1050001, SUCCESS, "Your changes are saved." },
    { 1050002, INFO, "Link {provider}" },
    { 1050003, INFO, "Unlink {provider}" },
    { 1050004, INFO, "Remove the authenticator app" },
    { 1050005, INFO, "QR code for the authenticator app" },
    { 1050006, INFO, "{secret}" },
    { 1050007, INFO, "Show the backup codes" },
    { 1050008, INFO, "Make new backup codes" },
    { 1050009, INFO, "{secret}" },
    { 1050010, INFO, "Your backup codes: keep them in a safe place." },
    { 1050011, INFO, "I have kept them" },
    { 1050012, INFO, "Add a security key" },
    { 1050013, INFO, "Name of the security key" },
    { 1050014, INFO, "This code was used." },
    { 1050015, INFO, "{secrets}" },
    { 1050016, INFO, "Turn the backup codes off" },
    { 1050017, INFO, "Key for the authenticator app, if it cannot read the picture" },
    { 1050018, INFO, "Remove the security key \"{display_name}\"" },
    { 1050019, INFO, "Add a passkey" },
    { 1050020, INFO, "Remove the passkey \"{display_name}\"" },
    { 1050023, INFO, "These settings are managed by your organisation." },
    { 1060001, SUCCESS, "You are in again. Please set a new password or another way to sign in now." },
    { 1060002, INFO, "If that address has an account, a link is on its way to it." },
    { 1060003, INFO, "If that address has an account, a code is on its way to it." },
    { 1060004, INFO, "A code is on its way to {masked_address}, if it has an account." },
    { 1060005, INFO, "Please enter the whole address to confirm that it is yours." },
    { 1060006, INFO, "Which address shall the code go to?" },
    { 1060007, INFO, "Back" },
    { 1070001, INFO, "Password" },
    { 1070002, INFO, "{title}" },
    { 1070003, INFO, "Save" },
    { 1070004, INFO, "Name or address" },
    { 1070005, INFO, "Submit" },
    { 1070006, INFO, "Code from the app" },
    { 1070007, INFO, "Email address" },
    { 1070008, INFO, "Send a new code" },
    { 1070009, INFO, "Continue" },
    { 1070010, INFO, "Recovery code" },
    { 1070011, INFO, "Verification code" },
    { 1070012, INFO, "Sign-up code" },
    { 1070013, INFO, "Sign-in code" },
    { 1070014, INFO, "Sign in and link" },
    { 1070015, INFO, "Please show that you are not a robot" },
    { 1070016, INFO, "Address for the recovery" },
    { 1070017, INFO, "Phone number" },
    { 1070018, INFO, "Email address or phone number" },
    { 1080001, INFO, "A link to confirm your address is on its way to it." },
    { 1080002, SUCCESS, "Your email address is confirmed." },
    { 1080003, INFO, "A code to confirm your address is on its way to it." },
    { 1080004, INFO, "A code to confirm your number is on its way to it." },
    { 1080005, SUCCESS, "Your phone number is confirmed." },
    { 4000001, ERROR, "{reason}" },
    { 4000002, ERROR, "Please fill in this field: {property}." },
    { 4000003, ERROR, "Too short: at least {min_length} characters, got {actual_length}." },
    { 4000004, ERROR, "This does not have the form that is asked for." },
    { 4000005, ERROR, "This password cannot be used: {reason}." },
    { 4000006, ERROR, "These details do not match an account. Please check them for typing errors." },
    { 4000007, ERROR, "There is an account with these details already." },
    { 4000008, ERROR, "That code is not right. Please try the next one." },
    { 4000009, ERROR, "Something that names the account is missing." },
    { 4000010, ERROR, "Please confirm your address first." },
    { 4000011, ERROR, "No authenticator app is set up." },
    { 4000012, ERROR, "That backup code was used already." },
    { 4000013, ERROR, "No security key is set up." },
    { 4000014, ERROR, "No backup codes are set up." },
    { 4000015, ERROR, "No account with such a key was found." },
    { 4000016, ERROR, "That backup code is not right." },
    { 4000017, ERROR, "Too long: at most {max_length} characters, got {actual_length}." },
    { 4000018, ERROR, "Must be {minimum} or more, got {actual}." },
    { 4000019, ERROR, "Must be more than {minimum}, got {actual}." },
    { 4000020, ERROR, "Must be {maximum} or less, got {actual}." },
    { 4000021, ERROR, "Must be less than {maximum}, got {actual}." },
    { 4000022, ERROR, "Must be a multiple of {base}, got {actual}." },
    { 4000023, ERROR, "At most {max_items} entries, got {actual_items}." },
    { 4000024, ERROR, "At least {min_items} entries, got {actual_items}." },
    { 4000025, ERROR, "Entries {index_a} and {index_b} are the same." },
    { 4000026, ERROR, "This is a {actual_type}, but must be {allowed_types}." },
    { 4000027, ERROR, "Another account has this sign-in already." },
    { 4000028, ERROR, "You have an account already. Please sign in as you did before." },
    { 4000029, ERROR, "Must be {expected}." },
    { 4000030, ERROR, "This is not the value that is asked for." },
    { 4000031, ERROR, "The password is too much like what names your account." },
    { 4000032, ERROR, "Passwords need at least {min_length} characters, this one has {actual_length}." },
    { 4000033, ERROR, "Passwords may have {max_length} bytes at most, this one has {actual_length}." },
    { 4000034, ERROR, "This password is known from data breaches. Please take another one." },
    { 4000035, ERROR, "No account here signs in with a code that way." },
    { 4000036, ERROR, "The details changed since the code was sent. Please begin again." },
    { 4000037, ERROR, "There is no account of that name, or no way to sign in to it." },
    { 4000038, ERROR, "The check for robots failed." },
    { 4000039, ERROR, "The new password is the old one." },
    { 4000040, ERROR, "\"{value}\" is no email address." },
    { 4000041, ERROR, "\"{value}\" is no phone number." },
    { 4000042, ERROR, "No device is set up." },
    { 4000043, ERROR, "The key was not accepted." },
    { 4000044, ERROR, "The device was not accepted." },
    { 4000045, ERROR, "What the device showed is no longer enough. Please set it up again." },
    { 4000046, ERROR, "The device must be set up again." },
    { 4010001, ERROR, "The form waited too long. Please try once more." },
    { 4010002, ERROR, "Please choose a way to sign in." },
    { 4010003, ERROR, "Please choose a way to sign up." },
    { 4010004, ERROR, "Please say what to change." },
    { 4010005, ERROR, "Please choose a way to recover the account." },
    { 4010006, ERROR, "Please choose a way to confirm the address." },
    { 4010007, ERROR, "This was done already." },
    { 4010008, ERROR, "That code is not right, or was used already." },
    { 4010009, ERROR, "This is not the account that the sign-in belongs to." },
    { 4010010, ERROR, "That address is not one of this account's." },
    { 4010011, ERROR, "This account is locked." },
    { 4040001, ERROR, "The form waited too long. Please try once more." },
    { 4040002, ERROR, "This was done already." },
    { 4040003, ERROR, "That code is not right, or was used already." },
    { 4050001, ERROR, "The form waited too long. Please try once more." },
    { 4050002, ERROR, "Please change one address at a time." },
    { 4060001, ERROR, "This was done already." },
    { 4060002, ERROR, "The recovery cannot go on from here. Please begin again." },
    { 4060004, ERROR, "That link is not right, or was used already." },
    { 4060005, ERROR, "The form waited too long. Please begin again." },
    { 4060006, ERROR, "That code is not right, or was used already." },
    { 4070001, ERROR, "That link is not right, or was used already." },
    { 4070002, ERROR, "This was done already." },
    { 4070003, ERROR, "The confirmation cannot go on from here. Please begin again." },
    { 4070005, ERROR, "The form waited too long. Please begin again." },
    { 4070006, ERROR, "That code is not right, or was used already." },
    { 5000001, ERROR, "{reason}" },
    { 5000002, ERROR, "There is no way to sign in at the moment." },
    { 5000003, ERROR, "Your organisation has no sign-in set up." },
};

static int by_id(const void *key, const void *row)
{
    return *(const int *)key - ((const message_t *)row)->id;
}

static const message_t *find(int id)
{
    return bsearch(&id, MESSAGES, sizeof(MESSAGES) / sizeof(*MESSAGES), sizeof(*MESSAGES), by_id);
}

json_t *kr_message(kr_ctx_t *k, int id, json_t *context)
{
    const message_t *m = find(id);
    json_t *out = kr_json_own(k->pool, json_object());

    json_object_set_new(out, "id", json_integer(id));
    json_object_set_new(out, "text", json_string(m ? kr_json_fill(k->pool, m->text, context) : ""));
    json_object_set_new(out, "type", json_string(m ? m->type : ERROR));
    if (context) json_object_set_new(out, "context", context);
    return out;
}

void kr_flow_message(kr_ctx_t *k, kr_flow_t *flow, int id, json_t *context)
{
    json_array_append(flow->messages, kr_message(k, id, context));
}

void kr_flow_reason(kr_ctx_t *k, kr_flow_t *flow, const char *reason)
{
    kr_flow_message(k, flow, 4000001, json_pack("{s:s}", "reason", reason ? reason : "the request was not understood"));
}

void kr_node_say(kr_ctx_t *k, kr_flow_t *flow, const char *name, json_t *message)
{
    json_t *node;

    if (!*name) {
        json_array_append(flow->messages, message);
        return;
    }
    node = kr_node_find(flow, name);
    if (!node) node = kr_node_add(k, flow, "default", &(kr_node_spec_t){ .name = name, .type = "text" });
    json_array_append(json_object_get(node, "messages"), message);
}

void kr_node_message(kr_ctx_t *k, kr_flow_t *flow, const char *name, int id, json_t *context)
{
    kr_node_say(k, flow, name, kr_message(k, id, context));
}

void kr_node_misfit(kr_ctx_t *k, kr_flow_t *flow, const char *name, json_t *context, const char *title, const char *description)
{
    json_t *message = kr_message(k, 4000004, context);
    const char *text = NULL;

    if (description && *description) text = apr_pstrcat(k->pool, "This does not have the form that is asked for: ", description, NULL);
    else if (title && *title) text = apr_pstrcat(k->pool, title, ": this does not have the form that is asked for.", NULL);
    if (text) json_object_set_new(message, "text", json_string(text));
    kr_node_say(k, flow, name, message);
}

void kr_flow_clear_messages(kr_flow_t *flow)
{
    size_t i;
    json_t *node;

    json_array_clear(flow->messages);
    json_array_foreach(flow->nodes, i, node) json_array_clear(json_object_get(node, "messages"));
}

/* -- metrics ---------------------------------------------------------------- */

void kr_messages_name(apr_pool_t *pool)
{
    const char **names = apr_pcalloc(pool, sizeof(*names) * (KR_DIM(MESSAGES) + 2));

    names[0] = "";
    for (int i = 0; i < KR_DIM(MESSAGES); i++) names[i + 1] = apr_itoa(pool, MESSAGES[i].id);
    kr_metrics_name(KR_LABEL_MESSAGE, names);
}

static void count(const json_t *messages)
{
    size_t i;
    json_t *message;

    json_array_foreach(messages, i, message) {
        const message_t *m = find((int)json_integer_value(json_object_get(message, "id")));

        if (m && !strcmp(m->type, ERROR)) kr_metric_count(KR_METRIC_MESSAGES, KR_SERIES((unsigned)(m - MESSAGES) + 1));
    }
}

void kr_messages_count(const kr_flow_t *flow)
{
    size_t i;
    json_t *node;

    count(flow->messages);
    json_array_foreach(flow->nodes, i, node) count(json_object_get(node, "messages"));
}
