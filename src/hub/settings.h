// Which hub, and as whom: the variables and files that the Hugging Face libraries read.
#pragma once

#include <string>

#include "base/error.h"

namespace continuo::hub {

struct HubSettings {
  std::string endpoint;  // HF_ENDPOINT, without a '/' at its end; default: https://huggingface.co
  std::string token;     // HF_TOKEN, else what the file HF_TOKEN_PATH or HF_HOME/token holds; empty: none
};

// An error where HF_HUB_OFFLINE says that nothing may be fetched, and for values that cannot be meant.
Result<HubSettings> hub_settings();

}  // namespace continuo::hub
