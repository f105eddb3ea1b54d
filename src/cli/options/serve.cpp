// The options of `continuo serve`.
#include "cli/option_setters.h"

namespace continuo {

namespace {

constexpr OptionRow kServeRows[] = {
    {.name = "host",
     .value = "ADDRESS",
     .help = "IP address to listen on",
     .details = "An address that other machines reach needs --api-key, or --insecure.",
     .fallback = "127.0.0.1",
     .expected = "an IP address or localhost",
     .set = set_text<&Options::serve, &ServeTyped::host>},
    {.name = "port",
     .value = "N",
     .help = "TCP port to listen on; 0: one that is free",
     .details = "The address and the port stand in the one line that is printed on stdout.",
     .fallback = "8080",
     .expected = "a whole number from 0 to 65535",
     .set = set_whole<0, 65535, &Options::serve, &ServeTyped::port>},
    {.name = "api-key",
     .value = "FILE",
     .help = "answer only requests that have a key of FILE, which has one a line",
     .details = "A request has its key in the header Authorization: Bearer KEY. GET /health needs none.",
     .expected = "a file with a key a line",
     .set = set_text<&Options::serve, &ServeTyped::api_key>},
    {.name = "insecure",
     .help = "listen on an address that other machines reach, without a key",
     .details = "Everybody who reaches the address can then use the model.",
     .set = turn_on<&Options::serve, &ServeTyped::insecure>},
    {.name = "allow-host",
     .value = "NAME",
     .help = "also answer requests whose Host is NAME",
     .details =
         "Without this option a server on loopback answers for localhost and loopback addresses alone, so that no web "
         "page can make its own name lead to it.",
     .expected = "a name, such as models.example.org",
     .repeatable = true,
     .set = add_text<&Options::serve, &ServeTyped::hosts>},
    {.name = "allow-origin",
     .value = "URL",
     .help = "let pages of URL ask from a browser (CORS)",
     .details = "Without this option no page of another origin is answered.",
     .expected = "an origin, such as https://example.org",
     .repeatable = true,
     .set = add_text<&Options::serve, &ServeTyped::origins>},
};

constexpr OptionRow kServeLimitRows[] = {
    {.name = "queue",
     .value = "N",
     .help = "samples that run or wait at the most; further requests are answered 429",
     .details = "--at-once says how many of them run at the same time.",
     .fallback = "1024",
     .expected = "a whole number from 1 to 1000000",
     .set = set_whole<1, 1000000, &Options::serve, &ServeTyped::queue>},
    {.name = "deadline",
     .value = "SECONDS",
     .help = "for a request, from its arrival to the end of its answer",
     .details = "A request that takes longer is answered 504.",
     .fallback = "none",
     .expected = "a whole number from 1 to 1000000",
     .set = set_whole<1, 1000000, &Options::serve, &ServeTyped::deadline>},
    {.name = "grace",
     .value = "SECONDS",
     .help = "for requests that run when SIGTERM or Ctrl-C comes",
     .details = "New requests are refused meanwhile. What still runs then is told that the server ends.",
     .fallback = "30",
     .expected = "a whole number from 0 to 1000000",
     .set = set_whole<0, 1000000, &Options::serve, &ServeTyped::grace>},
    {.name = "max-body",
     .value = "BYTES",
     .help = "longest body of a request; longer ones are answered 413",
     .details = "BYTES is a whole number, and K, M or G may follow it.",
     .fallback = "8M",
     .expected = "a number of bytes, such as 1048576, 64M or 2G",
     .set = set_bytes<&Options::serve, &ServeTyped::max_body>},
    {.name = "connections",
     .value = "N",
     .help = "connections that are open at the same time",
     .details = "Where there are as many, idle ones are closed, and new ones wait.",
     .fallback = "4096",
     .expected = "a whole number from 1 to 1000000",
     .set = set_whole<1, 1000000, &Options::serve, &ServeTyped::connections>},
};

}  // namespace

const OptionGroup kServeOptions{"Server", kServeRows};
const OptionGroup kServeLimitOptions{"Limits", kServeLimitRows};

}  // namespace continuo
