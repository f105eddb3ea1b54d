// The options of `continuo serve`.
#include "cli/option_setters.h"

namespace continuo {

namespace {

constexpr OptionRow kServeRows[] = {
    {.name = "host",
     .value = "ADDRESS",
     .help = "IP address to listen on",
     .details = "An address that other machines can reach needs --api-key or --insecure.",
     .fallback = "127.0.0.1",
     .expected = "an IP address or localhost",
     .set = set_text<&Options::serve, &ServeTyped::host>},
    {.name = "port",
     .value = "N",
     .help = "TCP port to listen on; 0: any free port",
     .details = "The one line on stdout names the address and the port.",
     .fallback = "8080",
     .expected = "a whole number from 0 to 65535",
     .set = set_whole<0, 65535, &Options::serve, &ServeTyped::port>},
    {.name = "api-key",
     .value = "FILE",
     .help = "answer only requests with a key from FILE, which holds one per line",
     .details = "A request sends its key in the header Authorization: Bearer KEY. GET /health needs no key.",
     .expected = "a file with a key a line",
     .set = set_text<&Options::serve, &ServeTyped::api_key>},
    {.name = "insecure",
     .help = "allow an address that other machines can reach, without a key",
     .details = "Everybody who can reach the address can then use the model.",
     .set = turn_on<&Options::serve, &ServeTyped::insecure>},
    {.name = "allow-host",
     .value = "NAME",
     .help = "also accept requests whose Host header is NAME",
     .details = "By default a server on loopback accepts only localhost and loopback addresses as Host. This stops "
                "web pages that point their own name at it (DNS rebinding).",
     .expected = "a name, such as models.example.org",
     .repeatable = true,
     .set = add_text<&Options::serve, &ServeTyped::hosts>},
    {.name = "allow-origin",
     .value = "URL",
     .help = "allow requests from web pages of URL (CORS)",
     .details = "By default requests from pages of other origins are refused.",
     .expected = "an origin, such as https://example.org",
     .repeatable = true,
     .set = add_text<&Options::serve, &ServeTyped::origins>},
};

constexpr OptionRow kServeLimitRows[] = {
    {.name = "queue",
     .value = "N",
     .help = "most samples that run or wait; further requests get 429",
     .details = "--at-once sets how many of them run at the same time.",
     .fallback = "1024",
     .expected = "a whole number from 1 to 1000000",
     .set = set_whole<1, 1000000, &Options::serve, &ServeTyped::queue>},
    {.name = "deadline",
     .value = "SECONDS",
     .help = "time limit for a request, from arrival to the end of its answer",
     .details = "A request that takes longer gets 504.",
     .fallback = "none",
     .expected = "a whole number from 1 to 1000000",
     .set = set_whole<1, 1000000, &Options::serve, &ServeTyped::deadline>},
    {.name = "grace",
     .value = "SECONDS",
     .help = "time that running requests get after SIGTERM or Ctrl-C",
     .details = "Meanwhile new requests are refused. Requests that still run after that time get an error.",
     .fallback = "30",
     .expected = "a whole number from 0 to 1000000",
     .set = set_whole<0, 1000000, &Options::serve, &ServeTyped::grace>},
    {.name = "max-body",
     .value = "BYTES",
     .help = "longest request body; longer ones get 413",
     .details = "BYTES is a whole number, optionally followed by K, M or G.",
     .fallback = "8M",
     .expected = "a number of bytes, such as 1048576, 64M or 2G",
     .set = set_bytes<&Options::serve, &ServeTyped::max_body>},
    {.name = "connections",
     .value = "N",
     .help = "most open connections",
     .details = "When the limit is reached, idle connections are closed and new ones wait.",
     .fallback = "4096",
     .expected = "a whole number from 1 to 1000000",
     .set = set_whole<1, 1000000, &Options::serve, &ServeTyped::connections>},
};

}  // namespace

const OptionGroup kServeOptions{"Server", kServeRows};
const OptionGroup kServeLimitOptions{"Limits", kServeLimitRows};

}  // namespace continuo
