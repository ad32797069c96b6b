/* The little JSON that the plugin needs: finding a member of an object by path, and writing strings. Nothing
 * is allocated; whatever is malformed or too long is not found. */
#ifndef ACME_MOTD_JSON_H
#define ACME_MOTD_JSON_H

#include <stddef.h>

/* A run of text inside somebody's buffer; null when there is none. */
typedef struct json_span {
    const char* text;
    size_t length;
} json_span;

/* The value of a member of the object, or a null span. */
json_span json_member(json_span object, const char* name);

/* Decodes a string value into out, which gets a terminating null. 0 when it is a string that fits and holds
 * no null character, else -1. */
int json_string(json_span value, char* out, size_t capacity);

/* 1 when the value is a string equal to text. */
int json_equals(json_span value, const char* text);

/* 1 when the value is an object. */
int json_is_object(json_span value);

/* A text under construction. Once it does not fit, it stays failed. */
typedef struct json_writer {
    char* out;
    size_t capacity;
    size_t length;
    int failed;
} json_writer;

void json_raw(json_writer* writer, const char* text);
/* In quotes, escaped. */
void json_quoted(json_writer* writer, const char* text);

#endif
