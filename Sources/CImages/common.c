#include "common.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

bool moonlit_fail(moonlit_image_message *message, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message->text, sizeof message->text, format, arguments);
    va_end(arguments);
    return false;
}

void moonlit_image_free(moonlit_image_buffer buffer) { free(buffer.bytes); }

bool moonlit_image_inflate(
    const uint8_t *bytes, size_t count, size_t limit, moonlit_image_buffer *result, moonlit_image_message *message) {
    z_stream stream;
    memset(&stream, 0, sizeof stream);
    if (count > UINT32_MAX || inflateInit(&stream) != Z_OK) return moonlit_fail(message, "zlib did not start");
    stream.next_in = (Bytef *)(uintptr_t)bytes;
    stream.avail_in = (uInt)count;
    uint8_t *output = NULL;
    size_t capacity = 0;
    int status = Z_OK;
    while (status == Z_OK) {
        if (stream.total_out == capacity) {
            if (capacity >= limit) break;
            size_t larger = capacity == 0 ? 4096 : capacity * 2;
            if (larger > limit) larger = limit;
            uint8_t *grown = realloc(output, larger);
            if (grown == NULL) break;
            output = grown;
            capacity = larger;
        }
        stream.next_out = output + stream.total_out;
        stream.avail_out = (uInt)(capacity - stream.total_out);
        status = inflate(&stream, Z_NO_FLUSH);
    }
    size_t total = stream.total_out;
    inflateEnd(&stream);
    if (status != Z_STREAM_END) {
        free(output);
        if (total >= limit) return moonlit_fail(message, "compressed text of more than %zu bytes", limit);
        return moonlit_fail(message, "compressed text is damaged");
    }
    result->bytes = output;
    result->count = total;
    return true;
}
