#include "explain/words.h"

#include <algorithm>

#include "base/check.h"

namespace continuo::explain {

namespace {

constexpr Words::Row kTable[] = {
    // ---- the page ----
    {"page.title", "Inside {}", "模型內部：{}"},
    {"page.lead", "{} reads {} tokens: what happens inside, step by step.",
     "{} 讀了 {} 個 token，來看看模型內部一步一步做了什麼。"},
    {"page.window", "Drawn here: tokens {} to {} of {} (choose others with --from and --to).",
     "這裡只畫第 {} 到第 {} 個 token，全文共 {} 個（可以用 --from 和 --to 換一段）。"},
    {"page.keys", "Arrow keys move between tokens, layers and heads.", "方向鍵可以在 token、層與 head 之間移動。"},
    {"page.theme", "Theme", "配色"},
    {"page.light", "light", "淺色"},
    {"page.dark", "dark", "深色"},
    {"page.auto", "as the system", "跟隨系統"},
    {"page.contents", "Contents", "目錄"},
    {"page.next", "Next: {}", "下一步：{}"},
    {"page.top", "Back to the top", "回到開頭"},
    {"page.made",
     "Drawn by continuo {} from one run of the model. The page needs no network: everything is in this file.",
     "由 continuo {} 根據模型的一次實際執行畫成；不需網路，所有內容都在這個檔案裡"
     "。"},
    {"page.noscript", "A script draws the figures on this page, and this browser does not run scripts.",
     "這一頁的圖要靠程式畫出來，而這個瀏覽器不執行程式。"},
    {"page.table", "As a table", "用表格看"},
    {"page.colour.plain", "The colour grows with the value.", "顏色隨數值變濃。"},
    {"page.colour.diverging", "The colour grows with the size of the value; its hue tells the sign.",
     "顏色隨數值的大小變濃，色相表示正負。"},
    {"page.colour.logarithmic", "The colour grows with the logarithm of the value.", "顏色隨數值的對數變濃。"},
    {"page.colour.signed_root",
     "The colour grows with the square root of the value's size, so that small ones can be seen; its hue tells the "
     "sign.",
     "顏色隨數值大小的平方根變濃，小的數值才看得見；色相表示正負。"},
    {"page.colour.root", "The colour grows with the square root of the weight, so that small weights can be seen.",
     "顏色隨權重的平方根變濃，小的權重才看得見。"},

    // ---- words used all over ----
    {"token", "token", "token"},
    {"position", "position", "位置"},
    {"id", "id", "編號"},
    {"layer", "layer", "層"},
    {"layer.n", "layer {}", "第 {} 層"},
    {"head", "head", "head"},
    {"input", "input", "輸入"},
    {"bytes", "bytes", "位元組"},
    {"probability", "probability", "機率"},
    {"yes", "yes", "是"},
    {"no", "no", "否"},
    {"none", "none", "無"},

    // ---- tokens ----
    {"tokens.title", "Tokens", "切成 token"},
    {"tokens.sentence",
     "A language model does not see letters. The text is cut into tokens by a list that was fixed beforehand, and "
     "each token has a number.",
     "語言模型看到的不是一個個字：照一份事先定好的清單，把文字切成 token，每個 "
     "token 有一個編號。"},
    {"tokens.finding", "{} bytes were cut into {} tokens; the list has {}.",
     "{} 個位元組切成 {} 個 token，清單裡共有 {} 個。"},
    {"tokens.why", "why it begins here", "為什麼從這裡切開"},
    {"tokens.kind", "kind", "種類"},
    {"tokens.special", "special", "特殊 token"},
    {"tokens.generated", "generated", "模型生成"},
    {"tokens.piece", "piece", "清單中的寫法"},
    {"cut.start", "the text begins here", "文字從這裡開始"},
    {"cut.special", "a special token is never merged with text", "特殊 token 不會和文字合併"},
    {"cut.word", "a new word begins here (the text is cut into words, and pieces are merged inside a word)",
     "新的詞從這裡開始（先切成詞，詞內再合併）"},
    {"cut.no_piece", "the vocabulary has no token for these two together", "清單裡沒有「前一個＋這個」合成的 token"},
    {"cut.words_first", "the vocabulary has “{}”, but the text was cut into words first",
     "清單裡有「{}」，但文字先被切成了詞"},
    {"cut.merge", "the vocabulary has “{}”, but other merges came first", "清單裡有「{}」，但其他的合併先發生"},
    {"cut.unknown", "the text was given as token ids", "文字是直接用 token 編號給的"},

    // ---- embedding ----
    {"embedding.title", "Embedding", "token 變成向量"},
    {"embedding.sentence",
     "Each token becomes a vector: its row of one table, the same row wherever the token stands. Tokens that are "
     "used alike have vectors that point alike.",
     "每個 token 都換成一個向量，也就是同一張表裡屬於它的那一列；不管 token 出現在"
     "哪裡都是同一列。用法相近的 token，向量的方向也相近。"},
    {"embedding.finding.same", "“{}” stands at positions {}. It gets the same row each time.",
     "「{}」出現在位置 {}，每次查到的都是同一列。"},
    {"embedding.finding.distinct", "No token occurs twice in this text: {} tokens get {} different rows of {} numbers.",
     "這段文字裡沒有重複的 token：{} 個 token 查到 {} 個不同的列，每列 {} 個數字。"},
    {"embedding.norm", "length", "向量長度"},
    {"embedding.nearest", "nearest entries of the vocabulary (cosine)", "詞彙表中最接近的 token（餘弦相似度）"},

    // ---- positions ----
    {"positions.title", "Positions", "加上位置資訊"},
    {"positions.sentence",
     "The same token at two places must look different to the network. What tells the places apart depends on the "
     "position alone, never on the words around it.",
     "同一個 token 出現在不同位置，網路要分得出來，所以要加上位置的資訊。這份資"
     "訊只跟位置有關，跟前後文無關。"},
    {"positions.learned",
     "This model learned one vector for each position and adds it to the token's. Vectors of nearby positions "
     "point alike.",
     "這個模型替每個位置學了一個向量，直接加到 token 的向量上。相鄰的位置，向量"
     "也比較像。"},
    {"positions.sinusoidal",
     "This model adds a vector to each token's that was not learned: sines and cosines of the position, at "
     "frequencies from fast to slow. Vectors of nearby positions point alike.",
     "這個模型加到 token 上的位置向量不是學來的，而是位置的正弦和餘弦，頻率從快"
     "到慢。相鄰的位置，向量也比較像。"},
    {"positions.learned.cosines", "How alike the vectors of two positions are (cosine)",
     "兩個位置的向量有多像（餘弦相似度）"},
    {"positions.learned.rows", "The first {} numbers of each position's vector", "每個位置向量的前 {} 個數字"},
    {"positions.rope",
     "This model adds nothing to the vectors. It rotates queries and keys, two numbers at a time, by an angle "
     "that grows with the position (RoPE, theta {}). The inner product of a query and a key then depends on how "
     "far apart the two tokens are.",
     "這個模型不把位置加到向量上，而是把 query 和 key 的數字兩兩一組，依照位置旋轉"
     "一個角度（RoPE，theta {}）。於是 query 和 key 的內積就跟兩個 token 的距離有關。"},
    {"positions.rope.figure",
     "The cosine of the angle between a query and a key at a distance, for each pair of numbers: pairs on the "
     "left rotate fast, those on the right slowly",
     "query 和 key 相距若干個 token 時，每一組數字之間夾角的餘弦：左邊轉得快，右邊轉"
     "得慢"},
    {"positions.rope.without", "Layers without it: {}.", "沒有使用它的層：{}。"},
    {"positions.distance", "distance", "距離"},
    {"positions.pair", "pair", "第幾組"},
    {"positions.alibi",
     "This model adds nothing to the vectors. Each head lowers a score a little for every token of distance "
     "(ALiBi): the larger its slope, the nearer it looks.",
     "這個模型不把位置加到向量上，而是讓每個 head 依距離扣分（ALiBi）：斜率越大，"
     "看得越近。"},
    {"positions.alibi.figure", "Slope of each head", "每個 head 的斜率"},
    {"positions.none", "This model gets no positions at all. Only the mask tells it which tokens come before.",
     "這個模型沒有任何位置資訊，只能靠遮罩知道誰在前面。"},

    // ---- attention ----
    {"attention.title", "Attention", "注意力"},
    {"attention.sentence",
     "Each token looks for tokens that matter to it. A row is the token that looks, a column the one it looks at; "
     "the stronger the colour, the more is taken from there.",
     "每個 token 都會去找跟自己相關的 token。每一列是正在看的 token，每一行是被看的 "
     "token；顏色越濃，就從那裡拿得越多。"},
    {"attention.finding",
     "In {} of all rows the largest weight is not on the token itself. The scores are not symmetric either: ‖"
     "S−Sᵀ‖/‖S‖ is {} on average (0 if they were).",
     "所有的列當中，有 {} 的最大權重不在自己身上。分數也不對稱：‖S−Sᵀ‖/‖S‖ "
     "平均是 {}（對稱的話是 0）。"},
    {"attention.all", "All heads, layer by layer", "所有的 head，一層一層排開"},
    {"attention.large", "Layer {}, head {}", "第 {} 層，head {}"},
    {"attention.stage", "What is shown", "顯示什麼"},
    {"attention.scores", "1 · q·k/√d", "1 · q·k/√d"},
    {"attention.masked", "2 · with the mask", "2 · 加上遮罩"},
    {"attention.weights", "3 · after softmax", "3 · softmax 之後"},
    {"attention.unmasked", "without the mask (not this model)", "拿掉遮罩（不是這個模型）"},
    {"attention.scores.note",
     "Raw scores: the inner product of the row's query with the column's key. Every pair has one.",
     "原始分數：這一列的 query 和這一行的 key 的內積，每一對都有。"},
    {"attention.masked.note",
     "A model that continues text must not see what comes later, so scores right of the diagonal are crossed "
     "out.",
     "做文字接龍的模型不能看到後面，所以對角線右上方的分數全部劃掉。"},
    {"attention.weights.note",
     "The softmax makes of each row weights from 0 to 1 that add up to 1: the shares of a weighted sum of values.",
     "經過 softmax，每一列都變成 0 到 1 的權重，加起來是 1：這就是 value 加權總和的權"
     "重。"},
    {"attention.weights.sinks",
     "The softmax makes of each row weights from 0 to 1. Here they add up to less than 1: every head has a "
     "learned score of its own, a sink, that takes a share and gives nothing.",
     "經過 softmax，每一列都變成 0 到 1 的權重。這個模型的權重加起來不到 1：每個 "
     "head 另有一個學來的分數（sink），會分走一份，卻不帶來任何內容。"},
    {"attention.both.note",
     "This model reads the whole text at once, so nothing is masked: every token sees those behind it too.",
     "這個模型一次讀完整段文字，沒有遮罩：每個 token 也看得到後面。"},
    {"attention.valued", "4 · weight × length of v", "4 · 權重 × v 的長度"},
    {"attention.valued.note",
     "A large weight on a short value brings little. Here each weight is multiplied by the length of the column's "
     "value, beside the longest of the head.",
     "權重再大，value 很短的話也拿不到多少東西。這裡把權重乘上那一行 value 的長度"
     "（和這個 head 最長的 value 相比）。"},
    {"attention.no_detail",
     "This page holds the scores and vectors of some heads only, to stay small; of this one the weights alone, "
     "rounded. The option --layer puts another layer's heads in.",
     "為了讓檔案不要太大，這一頁只放了一部分 head 的分數和向量；這個 head 只有四捨"
     "五入後的權重。用 --layer 可以改放別的層。"},
    {"attention.pair", "How the row's token looks at the column's", "這一列的 token 怎麼看這一行的 token"},
    {"attention.pair.hint", "Choose a cell of the matrix.", "請在矩陣上選一格。"},
    {"attention.pair.query", "query of {}", "{} 的 query"},
    {"attention.pair.key", "key of {}", "{} 的 key"},
    {"attention.pair.product", "products, number by number", "一個一個相乘"},
    {"attention.pair.sum", "q·k = {}, times {} = {}", "q·k = {}，乘上 {} = {}"},
    {"attention.pair.score", "score, with the cap and the share for distance: {}", "加上上限與距離調整後的分數：{}"},
    {"attention.pair.weight", "weight after the softmax: {}", "softmax 之後的權重：{}"},
    {"attention.sum", "What the row gets: the weighted sum of values", "這一列拿到的東西：value 的加權總和"},
    {"attention.sum.value", "{} × value of {}", "{} × {} 的 value"},
    {"attention.sum.others", "{} × all others", "{} × 其餘的 value"},
    {"attention.sum.result", "the sum", "總和"},
    {"attention.kind", "what it does", "它在做什麼"},
    {"attention.share", "weight there", "落在那裡的權重"},
    {"attention.examples", "The head that does it best", "最典型的 head"},
    {"attention.best", "{}: layer {}, head {} ({})", "{}：第 {} 層，head {}（{}）"},
    {"attention.named", "{} · {}", "{} · {}"},
    {"kind.previous_token", "previous token", "看前一個 token"},
    {"kind.first_token", "first token (a resting place)", "看第一個 token（沒事做時的落腳處）"},
    {"kind.own_token", "itself", "看自己"},
    {"kind.induction", "induction: what came after the same token", "induction：看同一個 token 上次之後接了什麼"},
    {"kind.mixed", "no simple pattern", "沒有單純的規律"},
    {"attention.unmasked.note",
     "NOT what this model does: the same queries and keys with the mask taken away, as a model that sees both "
     "sides (BERT) would look. This layer alone is changed; nothing goes on from here.",
     "這不是這個模型真正做的事：用同樣的 query 和 key，但拿掉遮罩，就像兩邊都看的"
     "模型（BERT）那樣。只有這一層這樣算，後面的層不受影響。"},
    {"attention.cell", "{} looks at {}", "{} 看 {}"},
    {"attention.before", "on tokens before the window", "落在視窗之前的 token"},
    {"attention.masked.cell", "masked", "被遮住"},
    {"attention.approximate", "about", "約"},
    {"attention.measured", "Measured on this head", "這個 head 量到的"},
    {"attention.absent", "No layer of this model has attention, so there is no matrix to draw.",
     "這個模型沒有任何一層使用注意力，所以沒有矩陣可以畫。"},
    {"fact.off_diagonal", "rows whose largest weight is not on the token itself", "最大權重不在自己身上的列"},
    {"fact.kind", "pattern", "規律"},
    {"fact.own_token", "weight on the token itself", "落在自己身上的權重"},
    {"fact.asymmetry", "asymmetry ‖S−Sᵀ‖/‖S‖", "不對稱程度 ‖S−Sᵀ‖/‖S‖"},
    {"fact.first_token", "weight on the first token", "落在第一個 token 的權重"},
    {"fact.entropy", "entropy of a row (bits)", "每列的熵（位元）"},
    {"fact.previous_token", "weight on the token before", "落在前一個 token 的權重"},
    {"fact.induction", "weight on the token that came right after the same token before",
     "同一個 token 上次出現後，緊接著的那個 token 的權重"},
    {"fact.no_repeat", "no token of the text repeats", "文字裡沒有重複的 token"},
    {"fact.shared", "keys and values", "key 和 value"},
    {"fact.shares.one", "shares its keys with head {}", "和 head {} 共用 key"},
    {"fact.shares.many", "shares its keys with heads {}", "和 head {} 共用 key"},
    {"fact.alone", "its own", "自己的"},

    // ---- memory ----
    {"memory.title", "Memory instead of attention", "不用注意力，用記憶"},
    {"memory.sentence",
     "Not every network looks back at all tokens. Some carry a state of fixed size along: with each token it fades a "
     "little, the token is written into it, and something is read from it. Unrolled, that is a matrix like "
     "attention's: a row is a token that reads, a column one that was written.",
     "不是每個網路都要回頭看所有的 token。有些網路帶著一份固定大小的記憶往前走：每來一個 token，舊的記憶先淡掉一些，再把新的寫進去，"
     "然後讀出來。把這個過程展開，也是一個像注意力一樣的矩陣：列是正在讀的 token，行是當初寫進去的 token。"},
    {"memory.finding", "{} of {} layers carry such a state, {} in all: as much after 100,000 tokens as after 10.",
     "{1} 層當中有 {0} 層帶著這樣的記憶，一共 {2}：讀了 10 萬個 token 和讀了 10 個，記憶一樣大。"},
    {"memory.absent", "Every layer of this model takes in context by attention alone; none carries such a state.",
     "這個模型的每一層都只靠注意力看前文，沒有這樣的記憶。"},
    {"memory.kind.short_conv",
     "Short convolution: a channel sees its own token and the {} before it and nothing else, so the matrix is a band. "
     "What lies further back has to come through the layers with attention.",
     "短卷積：每個 channel 只看得到自己和前面 {} 個 token，所以矩陣是一條帶子。更前面的事，要靠有注意力的層才看得到。"},
    {"memory.kind.mamba",
     "Mamba: each channel keeps {} numbers. How fast they fade and what is written depends on the token itself: the "
     "network chooses what to remember.",
     "Mamba：每個 channel 記著 {} 個數字。要忘多快、要寫什麼，由當下的 token 決定，也就是說，它會選擇要記住什麼。"},
    {"memory.kind.mamba2",
     "Mamba-2: each head keeps a table of {} rows, all of which fade at one rate that the token sets. Unrolled it is "
     "attention without a softmax: C·B in the place of q·k, times what is left after the tokens between.",
     "Mamba-2：每個 head 記著一張 {} 列的表，整張表用同一個速度淡掉，速度由 token 決定。展開來看，就是沒有 softmax 的注意力："
     "C·B 代替 q·k，再乘上經過中間那些 token 之後還剩下多少。"},
    {"memory.kind.delta_net",
     "Gated delta net: each head keeps a table of {} rows from keys to values. Before a token writes, it takes out "
     "what the table held for its key: entries are corrected and do not pile up.",
     "Gated delta net：每個 head 記著一張 {} 列的表，從 key 查 value。token 寫入之前，會先把表裡原本屬於這個 key 的內容拿掉，所以是更正，"
     "而不是一直往上疊。"},
    {"memory.kind.rg_lru",
     "RG-LRU: each channel keeps a single number, mixed from the old one and the new input; a gate sets the shares.",
     "RG-LRU：每個 channel 只記一個數字，由舊的和新的混合而成，混合的比例由 gate 決定。"},
    {"memory.kind.rwkv4",
     "RWKV-4: each channel keeps a weighted average of all values so far. The weights are never negative and add up to "
     "1, as after a softmax, but no query is asked: near and loud tokens count most.",
     "RWKV-4：每個 channel 記著到目前為止所有 value 的加權平均。權重不會是負的，加起來是 1，就像 softmax 之後一樣；但它沒有 query，"
     "近的、key 大的 token 就佔得多。"},
    {"memory.kind.rwkv",
     "RWKV: each head keeps a table of {} rows to which every token adds its key times its value; every row fades at a "
     "rate of its own, and the token itself is read with a bonus.",
     "RWKV：每個 head 記著一張 {} 列的表，每個 token 都把自己的 key 乘 value 加上去；每一列用自己的速度淡掉，而正在讀的 token "
     "自己會有額外的加分。"},
    {"memory.kind.rwkv7",
     "RWKV-7: each head keeps a table of {} rows from keys to values. Every row fades at a rate of its own, and each "
     "token says besides which key's entry is to be taken out, and how much of it.",
     "RWKV-7：每個 head 記著一張 {} 列的表，從 key 查 value。每一列用自己的速度淡掉，而且每個 token 還會另外指定：哪個 key "
     "的內容要拿掉、拿掉多少。"},
    {"memory.all", "The hidden attention of every recurrent layer", "每一層隱藏的注意力矩陣"},
    {"memory.large", "Layer {}, {}", "第 {} 層，{}"},
    {"memory.large.note",
     "What stands here times the columns' values, added up along a row, is what the row read: exactly, not nearly. "
     "Unlike attention's weights these may be negative and need not add up to 1.",
     "把這裡的數字乘上每一行的 value，沿著一列加起來，就是那一列讀到的東西：不是近似，是剛好相等。和注意力的權重不同，這裡可以是負的，"
     "加起來也不必是 1。"},
    {"memory.measured", "Measured on this matrix", "這個矩陣量到的"},
    {"memory.cell", "{} reads {}", "{} 讀到 {}"},
    {"memory.head", "head {}", "head {}"},
    {"memory.channel", "channel {}", "channel {}"},
    {"memory.mean", "mean", "平均"},
    {"memory.tokens", "{} tokens", "{} 個 token"},
    {"memory.never", "does not fade", "不會淡掉"},
    {"memory.fact.own", "weight on the token itself", "落在自己身上的權重"},
    {"memory.fact.previous", "weight on the token before", "落在前一個 token 的權重"},
    {"memory.fact.negative", "weight below 0", "小於 0 的權重"},
    {"memory.half_life", "half-life", "半衰期"},
    {"memory.written", "What each token writes, beside what is there already (layer {})",
     "每個 token 寫進去多少，和原有的記憶相比（第 {} 層）"},
    {"memory.forgotten", "What is gone of the state at each token, before it writes (layer {})",
     "每個 token 寫入之前，記憶少掉多少（第 {} 層）"},
    {"memory.length", "How full the state is: its length, beside its longest (layer {})",
     "記憶有多滿：長度和自己最長時相比（第 {} 層）"},
    {"memory.half_lives", "After how many tokens half of what was written is left",
     "寫進去的東西，過了多少個 token 只剩一半"},
    {"memory.units", "heads or channels", "head 或 channel 數"},
    {"memory.shortest", "shortest", "最短"},
    {"memory.middle", "middle", "中間"},
    {"memory.longest", "longest", "最長"},
    {"memory.state", "numbers kept", "記住幾個數字"},

    // ---- the mask taken away ----
    {"unmasked.title", "From one side or from both", "只看左邊，還是兩邊都看"},
    {"unmasked.sentence",
     "A model that continues text looks to the left alone. Here is the same model with the mask taken away in "
     "every layer, so that each token sees those behind it too, as in BERT.",
     "做文字接龍的模型只看左邊。這裡把同一個模型每一層的遮罩都拿掉，讓每個 "
     "token 也看得到後面，就像 BERT 那樣。"},
    {"unmasked.finding",
     "With the mask a token costs {} bits on average, without it {}. Small numbers would be no merit: without the "
     "mask the answer itself is in sight. Large ones show that this model never learned to read that way; BERT "
     "did, from texts whose words were hidden.",
     "有遮罩時，每個 token 平均 {} 位元；沒有遮罩時是 {}。變小不算本事，因為答案就"
     "在眼前；變大則表示這個模型沒學過這樣讀。BERT 學過：訓練時把一些字遮住，讓"
     "它猜。"},
    {"unmasked.with", "With the mask: −log₂ p(x | left)", "有遮罩：−log₂ p(x | 左邊)"},
    {"unmasked.without", "Without the mask, where x itself can be seen: −log₂ p(x | left, x and right)",
     "沒有遮罩，看得到 x 自己：−log₂ p(x | 左邊、x、右邊)"},
    {"unmasked.weights.with", "Layer {}, head {} with the mask: a triangle", "第 {} 層，head {}，有遮罩：三角形"},
    {"unmasked.weights.without", "Layer {}, head {} with no mask in any layer: a square",
     "第 {} 層，head {}，每一層都沒有遮罩：正方形"},
    {"unmasked.absent.both",
     "This model has no mask to take away: it sees both sides. The view “beside” sets it next to one that "
     "sees the left alone (--beside-model).",
     "這個模型本來就沒有遮罩，左右都看。用 --beside-model 可以把它和只看左邊的模型"
     "並排。"},
    {"unmasked.absent.model",
     "Some layers of this model carry a state along from left to right; they cannot look to the right.",
     "這個模型有些層是帶著記憶從左走到右的，沒辦法往右看。"},
    {"unmasked.absent.window",
     "Only a part of the text is drawn, and without the mask every token would see all of it.",
     "這裡只畫了一部分文字，而沒有遮罩的話，每個 token 都會看到全文。"},

    // ---- stack ----
    {"stack.title", "The stack of blocks", "一層一層疊起來"},
    {"stack.sentence",
     "Attention gathers, the feed-forward network works on what was gathered; the two are a block. Each adds its "
     "part to a vector that runs through all blocks (the residual stream).",
     "注意力負責收集，前饋網路（feed-forward）負責處理收集到的東西，合起來就是一個"
     " block。兩者都把自己的結果加到一條貫穿所有 block 的向量上（殘差流）。"},
    {"stack.finding", "On average the longest part is added by {} of layer {}, the shortest by {} of layer {}.",
     "平均而言，加上去的向量最長的是第 {1} 層的{0}，最短的是第 {3} 層的{2}。"},
    {"stack.attention", "attention", "注意力"},
    {"stack.memory", "memory", "記憶"},
    {"stack.both", "attention and memory", "注意力與記憶"},
    {"stack.feed", "feed-forward", "前饋網路"},
    {"stack.residual", "Length of the residual stream's vector after each layer", "每一層之後，殘差流的向量長度"},
    {"stack.parts", "Mean length of what each part adds", "每個部分加上去的向量平均長度"},
    {"stack.neurons", "The strongest feed-forward neurons at the last token shown",
     "最後一個 token 上，前饋網路裡最強的神經元"},
    {"stack.neurons.cell", "neuron: value", "神經元：數值"},
    {"stack.positive", "above 0", "大於 0"},
    {"stack.neurons.absent",
     "The network of layer {} is a mixture of experts: there is no one hidden layer to look into.",
     "第 {} 層由多個專家組成（MoE），沒有單一的隱藏層可以看。"},

    // ---- routing ----
    {"routing.title", "Which experts", "交給哪些專家"},
    {"routing.sentence",
     "In a mixture of experts a router sends each token to a few of many feed-forward networks. Only these "
     "compute.",
     "在混合專家（MoE）裡，router 把每個 token 交給許多前饋網路中的幾個，只有它們要"
     "計算。"},
    {"routing.finding", "Each token goes to {} of {} experts. In layer {}, this text uses {} of them.",
     "每個 token 交給 {1} 個專家中的 {0} 個。在第 {2} 層，這段文字總共用到 {3} 個。"},
    {"routing.shared", "One more expert works for every token, whatever the router says.",
     "另外有一個專家，不管 router 怎麼選，每個 token 都會用到。"},
    {"routing.choices", "Layer {}: the router's weight of each chosen expert", "第 {} 層：router 給選中的專家多少權重"},
    {"routing.usage", "How many of the tokens each expert got", "每個專家分到幾個 token"},
    {"routing.by_token", "Layer {}: experts of each token (expert: weight)",
     "第 {} 層：每個 token 的專家（專家：權重）"},
    {"routing.expert", "expert", "專家"},
    {"routing.experts", "experts", "專家"},
    {"routing.absent",
     "No layer of this model is a mixture of experts: every token goes through the same feed-forward networks.",
     "這個模型沒有混合專家：每個 token 都經過同樣的前饋網路。"},

    // ---- lens ----
    {"lens.title", "Each layer's guess", "每一層的猜測"},
    {"lens.sentence",
     "The output layer can be asked after every layer: what would the answer be if the model stopped here? Each "
     "column is a token, each row a layer, each cell the best guess at what follows.",
     "在任何一層都可以直接接上輸出層，問：如果停在這裡，會接哪個 token？每一行是"
     "一個 token，每一列是一層，格子裡是當時最好的猜測。"},
    {"lens.finding",
     "For half of the tokens the final choice leads from layer {} on or earlier. Stopping there would change {} "
     "of {} choices; layers needed to keep 90 % of the choices: {}.",
     "對一半的 token 來說，最後的選擇在第 {0} 層或更早就已經領先。如果停在那裡，"
     "{2} 個選擇中會有 {1} 個不同；要保住 90 % 的選擇，需要 {3} 層。"},
    {"lens.absent", "This network has no output layer that could be asked.", "這個網路沒有輸出層可以問。"},
    {"lens.grid",
     "Best guess of each layer; the stronger the colour, the likelier; underlined where it is the final choice",
     "每一層最好的猜測；顏色越濃，機率越高；底下有線的就是最後的選擇"},
    {"lens.agree", "Share of tokens for which a layer's guess is the final choice", "每一層的猜測和最後選擇相同的比例"},
    {"lens.final", "final choice", "最後的選擇"},
    {"lens.rank", "rank of the final choice here", "最後的選擇在這裡的名次"},
    {"lens.first", "which leads first at layer", "它最早在哪一層領先"},

    // ---- loops ----
    {"loop", "loop", "圈"},
    {"loops.title", "Loops", "想了幾圈"},
    {"loops.sentence",
     "Some networks go through the same layers several times before they say a token. After each loop they could already "
     "answer: this is what they would say.",
     "有些模型在說出下一個 token 之前，會把同樣幾層走好幾圈。每走完一圈其實都可以先回答：這裡看看當時會說什麼。"},
    {"loops.finding", "{} loops. After the first, the answer is already the last one's at {} of {} tokens.",
     "共走 {} 圈。走完第一圈時，{} 個（共 {} 個）token 的答案已經跟最後一樣。"},
    {"loops.none", "This network goes through its layers once.", "這個模型每一層只走一次，沒有繞圈。"},
    {"loops.grid", "The best next token after each loop, the last loop on top",
     "每一圈之後最可能的下一個 token，最後一圈在最上面"},
    {"loops.means", "What a loop still changes: means over the tokens", "每一圈還改變多少：對所有 token 取平均"},
    {"loops.kl", "change of the distribution (KL, nats)", "分布的改變（KL，nat）"},
    {"loops.change", "change of the hidden state", "隱藏狀態的改變"},
    {"loops.lambda", "the gate: this loop is the last", "閘門認為就停在這一圈的機率"},
    {"loops.gate", "the gate: stopped by now", "閘門認為到此已停的機率"},
    {"loops.rules", "Where each rule of --exit-when would have stopped", "--exit-when 的各種規則會停在哪裡"},
    {"loops.rule", "rule", "規則"},
    {"loops.mean", "loops, mean", "平均圈數"},
    {"loops.last", "loops, last token", "最後一個 token 的圈數"},
    {"loops.same", "same best token", "答案相同"},

    // ---- early exit ----
    {"exit.title", "Ideal early exit", "最理想的提早離開"},
    {"exit.sentence",
     "If somebody knew from which layer on the best token never changes, the layers behind it could be skipped. This is the "
     "most that any early exit could save without changing a word.",
     "如果事先知道從哪一層開始，最可能的 token 就不再改變，後面的層都可以跳過。這是在不改變任何字的前提下，提早離開最多能省下的量。"},
    {"exit.finding",
     "On average {} of {} layers are needed. At most {} of the weights' bytes would not be read; the output matrix, {} of "
     "them, is needed once in any case, and once more for every test of confidence.",
     "平均需要 {} 層（共 {} 層）。最多可以少讀 {} 的權重；輸出矩陣占 {}，無論如何都要讀一次，每檢查一次信心還要再讀一次。"},
    {"exit.none", "This model makes no guesses that layers could be asked for.", "這個模型沒有可以逐層比較的猜測。"},
    {"exit.layers", "The first layer after which the best token stays", "從哪一層開始，最可能的 token 就不再改變"},

    // ---- attribution ----
    {"attribution.title", "Who wrote the answer", "答案是誰寫的"},
    {"attribution.sentence",
     "A score of the output layer is a sum: of what the input, each head and each feed-forward network added to "
     "the stream. (The last norm divides them all by the same number, which is taken as it was.)",
     "輸出層的一個分數可以拆成總和：輸入、每個 head、每個前饋網路各加了多少。（"
     "最後的 norm 把它們都除以同一個數，這裡就用實際的那個數。）"},
    {"attribution.finding",
     "The likeliest token is “{}” ({}), before “{}”. What puts it ahead most is {}: of the difference of "
     "{} between the two scores it makes {}.",
     "最可能的是「{0}」（{1}），其次是「{2}」。讓它領先最多的是{3}：兩個分數的差距"
     " {4} 當中，它佔了 {5}。"},
    {"attribution.map", "What each part adds to the difference between the two best scores",
     "每個部分替兩個最高分的差距加了多少"},
    {"attribution.difference", "“{}” before “{}”: the parts of the difference {}", "「{}」領先「{}」：差距 {} 的組成"},
    {"attribution.answer", "“{}”: the parts of its score {}", "「{}」：分數 {} 的組成"},
    {"attribution.others", "{} others together", "其餘 {} 個合計"},
    {"attribution.head", "layer {}, head {}", "第 {} 層，head {}"},
    {"attribution.mixer", "layer {}, else of attention or memory", "第 {} 層，注意力或記憶的其餘部分"},
    {"attribution.feed", "layer {}, feed-forward", "第 {} 層，前饋網路"},
    {"attribution.input", "layer {}, its own input", "第 {} 層，自己的輸入"},
    {"attribution.bias", "biases of the last norm and the output", "最後的 norm 與輸出層的偏差項"},
    {"attribution.rest", "rounding", "捨入誤差"},
    {"attribution.col.mixer", "else", "其餘"},
    {"attribution.col.feed", "ffn", "前饋"},
    {"attribution.absent.none", "There is no next token whose score could be taken apart.",
     "沒有下一個 token 的分數可以拆。"},
    {"attribution.absent.post_norm",
     "The blocks of this model normalize the stream itself, so that it is no sum of what they added.",
     "這個模型的 block 會把殘差流本身正規化，所以它不是各部分的總和。"},
    {"attribution.absent.output_head",
     "This model has an activation before its output matrix, so that a score is no sum of parts.",
     "這個模型在輸出矩陣之前還有一個非線性函數，所以分數不是各部分的總和。"},

    // ---- what if ----
    {"what-if.title", "What if it were left out?", "如果拿掉它呢？"},
    {"what-if.sentence",
     "Leave out a token of the text, a whole layer or a single head, run the model again, and see what it would "
     "say next.",
     "拿掉一個 token、一整層，或是一個 head，讓模型重跑一次，看看它會改接什麼。"},
    {"what_if.caption", "After “{}”: choose what to leave out", "接在「{}」後面：選一個要拿掉的"},
    {"what_if.finding", "{} of {} such changes put another token first.",
     "{1} 種改變當中，有 {0} 種會讓另一個 token 變成第一名。"},
    {"what_if.incomplete",
     "Tried: {} tokens, {} layers and {} of {} heads, those first that wrote most into the answer; --measure "
     "tries all.",
     "試了 {0} 個 token、{1} 層，以及 {3} 個 head 當中對答案貢獻最多的 {2} 個；加上 "
     "--measure 就全部都試。"},
    {"what_if.nothing", "nothing left out", "什麼都沒拿掉"},
    {"what_if.tokens", "Tokens left out", "拿掉 token"},
    {"what_if.layers", "Layers left out", "拿掉一層"},
    {"what_if.heads", "Heads left out", "拿掉 head"},
    {"what_if.without", "without", "拿掉"},
    {"what_if.then", "what comes then", "會改接什麼"},
    {"what_if.effect", "change (bits)", "變化（位元）"},
    {"what_if.line", "“{}” has {} then; the distribution has moved by {} bits (KL).",
     "「{}」變成 {}；整個分佈移動了 {} 位元（KL）。"},
    {"what_if.absent", "There is no next token that could change.", "沒有下一個 token 可以改變。"},

    // ---- output ----
    {"output.title", "From scores to a token", "從分數到一個 token"},
    {"output.sentence",
     "The output layer gives every entry of the vocabulary a score. Step by step the scores become a distribution, "
     "unlikely tokens are taken out, and one is drawn.",
     "輸出層替詞彙表裡的每個 token 打一個分數。分數一步一步變成機率分佈，不太可能的被拿掉，最後從剩下的抽出一個。"},
    {"output.after", "After “{}”", "接在「{}」後面"},
    {"output.logits", "scores (logits)", "分數（logits）"},
    {"output.logits.line", "One score for each of {} tokens; only differences matter.",
     "{} 個 token 各有一個分數，重要的只是差距。"},
    {"output.logits.mean", "Bars begin at {}, the mean of all scores.", "長條從所有分數的平均 {} 開始。"},
    {"output.both_sides",
     "This model sees both sides of each token. It fills gaps and does not continue a text, so nothing is drawn.",
     "這個模型左右都看，做的是填空，不是接龍，所以沒有要抽的下一個 token。"},
    {"output.absent", "This network has no output layer: it makes vectors and no words.",
     "這個網路沒有輸出層：它產生向量，不產生文字。"},
    {"sampler.caption", "Try it: how temperature, top-k and top-p change what can be drawn",
     "試試看：溫度、top-k 和 top-p 怎麼改變可以抽到的 token"},
    {"sampler.temperature", "temperature", "溫度"},
    {"sampler.top_k", "top-k", "top-k"},
    {"sampler.top_p", "top-p", "top-p"},
    {"sampler.all", "all", "全部"},
    {"sampler.left", "{} tokens can be drawn; the best {} are shown.",
     "還有 {} 個 token 可以抽到，這裡列出最好的 {} 個。"},
    {"sampler.draw", "Draw", "抽一個"},
    {"sampler.drawn", "Drawn: {}", "抽到：{}"},
    {"sampler.other", "one of the tokens not shown", "沒有列出來的某個 token"},
    {"output.off", "off", "沒有使用"},
    {"output.changed", "{} scores changed", "改變了 {} 個分數"},
    {"output.temperature.line", "divided by {}, then softmax: a distribution over {} tokens",
     "除以 {}，再做 softmax：變成 {} 個 token 的機率分佈"},
    {"output.greedy.line", "temperature 0: the best alone is left", "溫度為 0：只留下分數最高的"},
    {"output.removed", "{} removed, {} left with {} of the probability", "拿掉 {} 個，剩下 {} 個，共佔機率 {}"},
    {"output.draw", "the draw", "抽籤"},
    {"output.draw.line", "The number drawn is {}. It falls between {} and {}: “{}”.",
     "抽到的數字是 {}，落在 {} 和 {} 之間：「{}」。"},
    {"output.draw.greedy", "One token is left: “{}”. Nothing is drawn.", "只剩一個 token：「{}」，不用抽。"},
    {"output.draw.none", "No token is left to draw.", "沒有 token 可以抽。"},
    {"output.gone", "gone", "拿掉的"},
    {"stage.logit bias", "logit bias", "分數調整（logit bias）"},
    {"stage.repetition penalty", "repetition penalty", "重複懲罰"},
    {"stage.presence and frequency penalty", "presence and frequency penalty", "出現與頻率懲罰"},
    {"stage.minimum length", "minimum length", "最短長度"},
    {"stage.no repeated n-gram", "no repeated n-gram", "不重複 n-gram"},
    {"stage.length penalty", "length penalty", "長度懲罰"},
    {"stage.DRY", "DRY", "DRY"},
    {"stage.top-n-sigma", "top-n-sigma", "top-n-sigma"},
    {"stage.temperature", "temperature", "溫度"},
    {"stage.dynamic temperature", "dynamic temperature", "動態溫度"},
    {"stage.top-h", "top-h", "top-h"},
    {"stage.top-k", "top-k", "top-k"},
    {"stage.top-p", "top-p", "top-p"},
    {"stage.min-p", "min-p", "min-p"},
    {"stage.locally typical", "locally typical", "locally typical"},
    {"stage.epsilon cutoff", "epsilon cutoff", "epsilon cutoff"},
    {"stage.eta cutoff", "eta cutoff", "eta cutoff"},
    {"stage.exclude top choices", "exclude top choices (XTC)", "排除首選（XTC）"},
    {"stage.Mirostat 1", "Mirostat 1", "Mirostat 1"},
    {"stage.Mirostat 2", "Mirostat 2", "Mirostat 2"},
    {"stage.adaptive-p", "adaptive-p", "adaptive-p"},

    // ---- text ----
    {"text.title", "Word by word", "文字接龍"},
    {"text.sentence",
     "The model reads the text one token at a time; after each it expects some tokens more than others. The more "
     "bits a token has, the more it surprised the model.",
     "模型一個 token 一個 token 地讀，每讀一個，就對下一個有所預期。位元數越大，表"
     "示這個 token 越出乎模型的意料。"},
    {"text.finding", "Perplexity {}: on average as unsure as if each token were one of {} equally likely ones.",
     "困惑度 {}：平均來說，就像每一步都在 {} 個一樣可能的 token 之間選。"},
    {"text.finding.both",
     "Pseudo-perplexity {}: with all other tokens in sight, on average as unsure as among {} equally likely ones.",
     "偽困惑度 {}：看得到其他所有 token 時，平均就像在 {} 個一樣可能的 token 之間選。"},
    {"text.surprisal.both",
     "Surprisal of each token in bits, hidden behind a mask while all others are seen: −log₂ p(x | all others)",
     "把每個 token 遮住、只看其他 token 時的意外程度：−log₂ p(x | 其他全部)，單位是"
     "位元"},
    {"text.stands", "what stands there", "實際的 token"},
    {"text.no_mask", "The tokenizer names no mask, so no token could be hidden and guessed.",
     "這個 tokenizer 沒有遮罩 token，所以沒辦法把 token 遮住再猜。"},
    {"text.absent", "This network has no output layer: it expects no words.", "這個網路沒有輸出層，不會預測文字。"},
    {"loop.caption", "The loop, step by step: what the model expects next, and what comes",
     "一步一步接龍：模型預期接什麼，實際接了什麼"},
    {"loop.drawn", "The model drew “{}” (probability {}, rank {}). It is appended, and the loop begins again.",
     "模型抽到「{}」（機率 {}，第 {} 名），把它接上去，再重來一次。"},
    {"loop.given", "The text goes on with “{}” (probability {}, rank {}).",
     "文字裡接的是「{}」（機率 {}，第 {} 名）。"},
    {"loop.open", "What comes next is not drawn yet.", "接下來的 token 還沒有抽。"},
    {"loop.back", "Back", "上一步"},
    {"loop.forward", "Next", "下一步"},
    {"loop.play", "Play", "播放"},
    {"loop.pause", "Pause", "暫停"},
    {"loop.slider", "Step", "步驟"},
    {"loop.step", "step {} of {}", "第 {} 步，共 {} 步"},
    {"text.surprisal", "Surprisal of each token in bits: −log₂ p(x | all before)",
     "每個 token 的意外程度：−log₂ p(x | 前面全部)，單位是位元"},
    {"text.others", "What else could have come, and how the text would have gone on", "還可能接什麼，又會怎麼接下去"},
    {"text.follows", "what follows", "實際接的"},
    {"text.rank", "rank", "名次"},
    {"text.guesses", "likeliest", "最可能的"},
    {"text.otherwise", "otherwise", "否則會接"},
    {"text.open", "(not yet)", "（還沒接）"},
    {"text.entropy", "entropy (bits)", "熵（位元）"},

    // ---- tree ----
    {"tree.title", "A tree of continuations", "接下去的各種可能"},
    {"tree.sentence",
     "One text is drawn, but many were possible. Each branch is a likely next token; its probability, and behind "
     "it that of the whole path.",
     "抽出來的只有一段文字，但原本有很多可能。每個分支是一個可能的下一個 token，"
     "旁邊是它的機率，括號裡是整條路的機率。"},
    {"tree.caption", "The likeliest paths, followed further", "把最可能的路再往下走"},
    {"tree.finding", "The likeliest path found is “{}”, with a probability of {}.",
     "找到最可能的一條路是「{}」，機率 {}。"},
    {"tree.absent", "This model does not continue a text.", "這個模型不做文字接龍。"},

    // ---- beside ----
    {"beside.title", "Side by side", "並排比較"},
    {"beside.sentence", "The same views of two texts, or of the same text in two models.",
     "同樣的圖，兩段文字並排，或是同一段文字放進兩個模型。"},
    {"beside.label", "{}: {}, “{}”", "{}：{}，「{}」"},
    {"beside.summary", "The two as a whole", "整體比較"},
    {"beside.sees", "a token sees", "token 看得到"},
    {"beside.sees.left", "the left: p(x | left)", "左邊：p(x | 左邊)"},
    {"beside.sees.both", "both sides: p(x | all others)", "兩邊：p(x | 其他全部)"},
    {"beside.perplexity", "perplexity", "困惑度"},
    {"beside.bits", "bits for each byte of text", "每個位元組幾個位元"},
    {"beside.next", "The next token", "下一個 token"},
    {"beside.surprisal.left", "{}: −log₂ p(x | left), in bits", "{}：−log₂ p(x | 左邊)，單位是位元"},
    {"beside.surprisal.both", "{}: −log₂ p(x | all others), in bits", "{}：−log₂ p(x | 其他全部)，單位是位元"},
    {"beside.head", "{}: attention of layer {}, head {}", "{}：第 {} 層，head {} 的注意力"},
    {"beside.absent", "Nothing stands beside: --beside TEXT takes another text, --beside-model MODEL another model.",
     "沒有東西可以並排：--beside 加上另一段文字，或是 --beside-model 加上另一個模型。"},

    // ---- cost ----
    {"cost.title", "What it costs", "要算多少"},
    {"cost.sentence",
     "Every token meets every weight: that work grows with the length. Attention compares all pairs of tokens: "
     "that work grows with its square.",
     "每個 token 都要和所有的權重算一遍，這部分和長度成正比；注意力要比較每一對 "
     "token，這部分和長度的平方成正比。"},
    {"cost.phases", "Measured on the {} tokens shown, with {} threads and {} kernels",
     "這 {} 個 token 的實測（{} 個執行緒，{} 指令集）"},
    {"cost.phase", "phase", "階段"},
    {"cost.operations", "operations", "運算次數"},
    {"cost.time", "time", "時間"},
    {"cost.share", "share", "比例"},
    {"phase.input", "input layer", "輸入層"},
    {"phase.projections", "inputs and outputs of attention and memory", "注意力與記憶的輸入與輸出"},
    {"phase.attention", "attention: q·k, softmax, sum", "注意力：q·k、softmax、加權總和"},
    {"phase.scan", "recurrent state: fade, write, read", "記憶：淡掉、寫入、讀出"},
    {"phase.feed_forward", "feed-forward", "前饋網路"},
    {"phase.output", "output layer (one token)", "輸出層（一個 token）"},
    {"cost.layers", "Time by layer", "各層的時間"},
    {"cost.cache",
     "Keys and values are kept: {} bytes for each token, {} for this text. Without this cache, every new token "
     "would mean recomputing the whole text.",
     "算過的 key 和 value 會留著（KV cache）：每個 token {} 位元組，這段文字共 {}。沒有這"
     "個 cache，每接一個 token 都要把整段文字重算一遍。"},
    {"cost.state",
     "The recurrent layers carry {} along, however long the text: a further token costs the same after 10 tokens as "
     "after 100,000.",
     "用記憶的層帶著 {} 往前走，不管文字多長都一樣：讀了 10 個 token 之後再接一個，和讀了 10 萬個之後再接一個，花的力氣相同。"},
    {"cost.prefill", "Reading a prompt: operations by its length (lines), and what was measured (dots)",
     "讀提示：長度與運算次數（線），以及實測（點）"},
    {"cost.decode", "One further token: operations by the length before it (lines), and what was measured (dots)",
     "再接一個 token：前面的長度與運算次數（線），以及實測（點）"},
    {"cost.whole", "whole", "全部"},
    {"cost.quadratic", "attention (quadratic)", "注意力（平方）"},
    {"cost.scan", "recurrent state (linear)", "記憶（線性）"},
    {"cost.cached.scan", "recurrent state", "記憶"},
    {"cost.growth", "From {} tokens to {}, operations grow like this:", "從 {} 個 token 變成 {} 個，運算次數的變化："},
    {"cost.growth.attention", "attention {} times (4 is the square);", "注意力 {} 倍（4 倍就是平方）；"},
    {"cost.growth.scan", "the recurrent state {} times (2 is linear);", "記憶 {} 倍（2 倍就是線性）；"},
    {"cost.growth.other", "all else {} times.", "其餘 {} 倍。"},
    {"cost.dots",
     "Dots: measured seconds, on the right. The scale is such that the longest measured length lies on its line "
     "({} operations a second).",
     "點：實測的秒數，看右邊的刻度。刻度對齊到量到的最長長度落在線上（每秒 {} "
     "次運算）。"},
    {"cost.linear", "maps around attention, output", "注意力前後的矩陣、輸出層"},
    {"cost.feed", "feed-forward", "前饋網路"},
    {"cost.cached", "with the cache", "有 cache"},
    {"cost.cached.attention", "attention, with the cache", "注意力，有 cache"},
    {"cost.uncached", "without: all again", "沒有 cache：全部重算"},
    {"cost.length", "tokens", "token 數"},
    {"cost.seconds", "seconds", "秒"},
    {"cost.overtakes", "From about {} tokens on, attention takes more operations than the feed-forward networks.",
     "大約從 {} 個 token 開始，注意力的運算次數就超過前饋網路。"},
    {"cost.not_overtaken", "Up to {} tokens attention takes fewer operations than the feed-forward networks.",
     "到 {} 個 token 為止，注意力的運算次數都比前饋網路少。"},
    {"cost.end.time", "Nothing longer than {} tokens was measured, to save time (--measure does).",
     "為了省時間，沒有量超過 {} 個 token 的長度（加上 --measure 就會量）。"},
    {"cost.end.positions", "Nothing longer than {} tokens could be measured: the model has no positions for it.",
     "沒辦法量超過 {} 個 token 的長度：這個模型沒有那麼多位置。"},
    {"cost.beyond",
     "Lengths above {}, the model's context, are there for the cost alone: the model was not made to read them.",
     "超過 {}（這個模型的上下文長度）的部分只用來看要算多少，模型並不是為了讀那"
     "麼長的文字而做的。"},
};

}  // namespace

std::string_view tag(Language language) { return language == Language::en ? "en" : "zh-Hant"; }

std::optional<Language> language_from(std::string_view wanted) {
  for (const Language language : {Language::en, Language::zh_hant}) {
    if (tag(language) == wanted) return language;
  }
  return std::nullopt;
}

std::span<const Words::Row> Words::table() { return kTable; }

std::string_view Words::text(std::string_view key) const {
  const auto row = std::find_if(std::begin(kTable), std::end(kTable), [&](const Row& r) { return r.key == key; });
  CONTINUO_CHECK(row != std::end(kTable), "a text that the table of words lacks");
  return language_ == Language::en ? row->en : row->zh_hant;
}

}  // namespace continuo::explain
