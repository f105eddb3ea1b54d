#include "explain/canvases.h"
namespace continuo::explain {
std::string draw_page(std::span<const Panel>, const View&, const Page&) { return ""; }
}
