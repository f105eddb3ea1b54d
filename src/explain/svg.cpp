#include "explain/canvases.h"
namespace continuo::explain {
std::vector<std::pair<std::string, std::string>> draw_svgs(std::span<const Panel>, const View&) { return {}; }
}
