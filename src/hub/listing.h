// What a hub says of a model: its commit, and its files with their sizes and checksums.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "hub/sha.h"

namespace continuo::hub {

struct HubFile {
  std::string name;  // "config.json", "1_Pooling/config.json": a path that stays in its folder
  std::uint64_t size = 0;
  std::string checksum;            // hexadecimal; the name of the blob in the cache
  HashKind hash = HashKind::sha1;  // sha1: of git's blob, header included; sha256: of the contents
};

struct Listing {
  std::string commit;  // 40 hexadecimal digits
  std::vector<HubFile> files;
};

// `json`: the answer of ENDPOINT/api/models/NAME/revision/REVISION?blobs=true. `source` is named in errors. Names that
// would lead out of their folder are an error, and so are missing checksums.
Result<Listing> parse_listing(std::string_view json, const std::string& source);

// Whether `name` is a relative path of plain components.
bool is_safe_path(std::string_view name);

// Those of a listing that continuo reads: configuration, tokenizer, weights. `name`: of the model, for errors.
Result<std::vector<HubFile>> wanted_files(const Listing& listing, const std::string& name);

// Those that one of the patterns matches, of which '*' stands for slashes as well. An error where that is none.
Result<std::vector<HubFile>> matching_files(const Listing& listing, const std::vector<std::string>& patterns);

}  // namespace continuo::hub
