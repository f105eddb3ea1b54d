#include "explain/words.h"

#include <algorithm>

#include "base/check.h"

namespace continuo::explain {

namespace {

constexpr Words::Row kTable[] = {
    // ---- the page ----
    {"page.title", "Inside: {}", "看看裡面：{}"},
    {"page.lead", "{} reads {} tokens. What happened on the way, step by step.",
     "{} 讀了 {} 個 token。一步一步看看中間發生了什麼事。"},
    {"page.window", "Shown: tokens {} to {} of {}.", "這裡只畫第 {} 到第 {} 個 token，全文共 {} 個。"},
    {"page.keys", "Arrow keys move between tokens, layers and heads.", "方向鍵可以在 token、層與 head 之間移動。"},
    {"page.theme", "Theme", "配色"},
    {"page.light", "light", "淺色"},
    {"page.dark", "dark", "深色"},
    {"page.auto", "as the system", "跟隨系統"},
    {"page.contents", "Contents", "目錄"},
    {"page.next", "Next: {}", "下一步：{}"},
    {"page.top", "Back to the top", "回到開頭"},
    {"page.made", "Drawn by continuo {} from one run of the model; nothing on this page was loaded from anywhere.",
     "由 continuo {} 根據模型的一次實際執行畫成；這一頁沒有從任何地方下載東西。"},
    {"page.noscript", "The figures on this page are drawn by a script, which this browser does not run.",
     "這一頁的圖要靠程式碼來畫，而這個瀏覽器沒有執行它。"},
    {"page.table", "The same as a table", "用表格看"},

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
     "A language model does not see letters. The text is cut into pieces from a list that was fixed beforehand, and "
     "each piece is a number.",
     "語言模型看到的不是一個個字母，而是從一份事先定好的清單裡切出來的 token，每個 token 就是一個編號。"},
    {"tokens.finding", "{} bytes became {} tokens, out of a list of {}.",
     "{} 個位元組切成 {} 個 token，清單裡共有 {} 個。"},
    {"tokens.why", "why it begins here", "為什麼從這裡切開"},
    {"tokens.kind", "kind", "種類"},
    {"tokens.special", "special", "特殊 token"},
    {"tokens.generated", "generated", "模型生成"},
    {"tokens.piece", "piece", "清單中的寫法"},
    {"cut.start", "the text begins", "文字的開頭"},
    {"cut.special", "a special token is never joined with text", "特殊 token 不會和文字合併"},
    {"cut.word", "a new word: words are cut before pieces are joined", "新的一個詞：先切詞，再合併"},
    {"cut.no_piece", "no piece spells this and the one before together", "清單裡沒有把它和前一個連起來的 token"},
    {"cut.words_first", "“{}” is a piece, but the text is cut into words first", "清單裡有「{}」，但文字先被切成詞了"},
    {"cut.merge", "“{}” is a piece, but other joins came first", "清單裡有「{}」，但其他的合併先發生了"},
    {"cut.unknown", "given as ids", "直接給了編號"},

    // ---- embedding ----
    {"embedding.title", "Embedding", "token 變成向量"},
    {"embedding.sentence",
     "Each token becomes a vector: its row of one table, the same row wherever it stands. Tokens that are used alike "
     "lie close together.",
     "每個 token 都換成一個向量，也就是同一張表裡屬於它的那一列；不管出現在哪裡都是同一列。用法相近的 "
     "token，向量也相近。"},
    {"embedding.finding.same", "“{}” stands at positions {}: one and the same row each time.",
     "「{}」出現在位置 {}，每次查到的都是同一列。"},
    {"embedding.finding.distinct", "No token occurs twice in this text; {} tokens are {} different rows of {} numbers.",
     "這段文字裡沒有重複的 token：{} 個 token 就是 {} 個不同的列，每列 {} 個數字。"},
    {"embedding.norm", "length", "向量長度"},
    {"embedding.nearest", "nearest entries of the vocabulary (cosine)", "詞彙表中最接近的 token（餘弦相似度）"},

    // ---- positions ----
    {"positions.title", "Positions", "加上位置資訊"},
    {"positions.sentence",
     "The same token at two places must differ. What is added depends on the place alone, never on the words "
     "around it.",
     "同一個 token 出現在不同位置，意思可能不一樣，所以要加上位置的資訊。這份資訊只跟位置有關，跟前後文無關。"},
    {"positions.learned",
     "This model learned one vector for each position and adds it to the token's. Rows of near positions "
     "point alike.",
     "這個模型替每個位置學了一個向量，直接加到 token 的向量上。相鄰的位置，向量也比較像。"},
    {"positions.learned.cosines", "How alike the vectors of two positions are (cosine)",
     "兩個位置的向量有多像（餘弦相似度）"},
    {"positions.learned.rows", "The first {} numbers of each position's vector", "每個位置向量的前 {} 個數字"},
    {"positions.rope",
     "This model adds nothing to the vectors. It turns queries and keys, pair of numbers by pair of numbers, by an "
     "angle that grows with the position (RoPE, theta {}): what a query and a key make of each other then depends on "
     "their distance.",
     "這個模型不把位置加到向量上，而是把 query 和 key 的數字兩兩一組，依照位置轉一個角度（RoPE，theta {}）。於是 query 和 key 的內積就跟兩者的距離有關。"},
    {"positions.rope.figure",
     "The cosine of the angle between a query and a key at a distance, for each pair of numbers: fast pairs on the "
     "left, slow ones on the right",
     "query 和 key 相距若干個 token 時，每一組數字之間夾角的餘弦：左邊轉得快，右邊轉得慢"},
    {"positions.rope.without", "Layers without it: {}.", "沒有使用它的層：{}。"},
    {"positions.distance", "distance", "距離"},
    {"positions.pair", "pair", "第幾組"},
    {"positions.alibi",
     "This model adds nothing to the vectors. Each head subtracts a little from a score for every token of distance "
     "(ALiBi); the steeper the slope, the shorter its sight.",
     "這個模型不把位置加到向量上，而是讓每個 head 依距離扣分（ALiBi）：斜率越大，看得越近。"},
    {"positions.alibi.figure", "Slope of each head", "每個 head 的斜率"},
    {"positions.none", "This model is told nothing about positions: the mask alone tells it what came before.",
     "這個模型沒有任何位置資訊，只能靠遮罩知道誰在前面。"},

    // ---- attention ----
    {"attention.title", "Attention", "注意力"},
    {"attention.sentence",
     "Each token looks back for tokens that matter to it. A row is a token that looks, a column one that is looked at; "
     "the darker, the more of it is taken over.",
     "每個 token 都會往前找跟自己相關的 token。每一列是正在看的 token，每一行是被看的 "
     "token；顏色越深，就從它那裡拿得越多。"},
    {"attention.finding",
     "In {} of all rows the largest weight is not on the token itself. The scores are not symmetric either: ‖S−Sᵀ‖/‖S‖ "
     "is {} on average (0 would be symmetric).",
     "所有的列當中，有 {} 的最大權重不在自己身上。分數也不對稱：‖S−Sᵀ‖/‖S‖ 平均是 {}（對稱的話是 0）。"},
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
     "After the softmax a row is non-negative and adds up to 1: the shares of a weighted sum.",
     "經過 softmax，每一列都不小於 0，加起來是 1，就是加權總和的權重。"},
    {"attention.unmasked.note",
     "NOT what this model does: the same queries and keys with the mask taken away, as a bidirectional model (BERT) "
     "would look. This layer alone is changed; nothing goes on from here.",
     "這不是這個模型真正做的事：用同樣的 query 和 key，但拿掉遮罩，就像雙向模型（BERT）那樣左右都看。只有這一層這樣算，後面的層不受影響。"},
    {"attention.cell", "{} looks at {}", "{} 看 {}"},
    {"attention.before", "on tokens before the window", "落在視窗之前的 token"},
    {"attention.masked.cell", "masked", "被遮住"},
    {"attention.approximate", "about", "約"},
    {"attention.measured", "Measured on this head", "這個 head 量到的"},
    {"attention.absent", "No layer of this model has attention, so there is no matrix to draw.",
     "這個模型沒有任何一層使用注意力，所以沒有矩陣可以畫。"},
    {"fact.off_diagonal", "rows whose largest weight is elsewhere", "最大權重不在自己身上的列"},
    {"fact.asymmetry", "asymmetry ‖S−Sᵀ‖/‖S‖", "不對稱程度 ‖S−Sᵀ‖/‖S‖"},
    {"fact.first_token", "weight on the first token", "落在第一個 token 的權重"},
    {"fact.entropy", "entropy of a row (bits)", "每列的熵（位元）"},
    {"fact.previous_token", "weight on the token before", "落在前一個 token 的權重"},
    {"fact.induction", "induction: on what followed the same token", "induction：落在同一個 token 上次的下一個"},
    {"fact.no_repeat", "no token repeats", "沒有重複的 token"},
    {"fact.shared", "keys shared with heads", "和這些 head 共用 key"},
    {"fact.alone", "no other: each head has its own keys", "沒有，每個 head 有自己的 key"},

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

    // ---- stack ----
    {"stack.title", "The stack of blocks", "一層一層疊起來"},
    {"stack.sentence",
     "Attention gathers, the feed-forward network thinks it over; both together are a block. Each adds its part to a "
     "vector that runs through all blocks.",
     "注意力負責收集，前饋網路（feed-forward）負責思考，合起來就是一個 block。每個 block "
     "都把自己的結果加到一條貫穿所有層的向量上（殘差流）。"},
    {"stack.finding",
     "Of the parts added, the largest (on average) comes from {} of layer {}, the smallest from {} of layer "
     "{}.",
     "平均而言，加得最多的是第 {1} 層的{0}，加得最少的是第 {3} 層的{2}。"},
    {"stack.attention", "attention", "注意力"},
    {"stack.memory", "memory", "記憶"},
    {"stack.both", "attention and memory", "注意力與記憶"},
    {"stack.feed", "feed-forward", "前饋網路"},
    {"stack.residual", "Length of the running vector after each layer", "每一層之後，殘差流的向量長度"},
    {"stack.parts", "Mean length of what each part adds", "每個部分加上去的向量平均長度"},
    {"stack.neurons", "The strongest feed-forward neurons at the last token shown",
     "最後一個 token 上，前饋網路裡最強的神經元"},
    {"stack.neurons.cell", "neuron: value", "神經元：數值"},
    {"stack.positive", "above 0", "大於 0"},
    {"stack.neurons.absent",
     "The network of layer {} is a mixture of experts: there is no one hidden layer to look into.",
     "第 {} 層由多個專家組成（MoE），沒有單一的隱藏層可以看。"},

    // ---- lens ----
    {"lens.title", "Each layer's guess", "每一層的猜測"},
    {"lens.sentence",
     "The output layer can be asked at any depth: what would this layer answer if the model stopped here? Each column "
     "is a token, each row a layer, each cell the best guess at what follows.",
     "在任何一層都可以直接接上輸出層，問它：如果停在這裡，你會接哪個 token？每一行是一個 "
     "token，每一列是一層，格子裡是它最想接的 token。"},
    {"lens.finding",
     "The last layer's choice already leads at layer {} for half of the tokens. Stopping there would have "
     "changed {} of {} choices.",
     "對一半的 token 來說，最後的答案在第 {0} 層就已經領先。如果停在那裡，{2} 個選擇中會有 {1} 個不同。"},
    {"lens.grid", "Best guess of each layer; the colour is its probability, marked where it is the final choice",
     "每一層最好的猜測；顏色深淺是機率，有記號的就是最後的選擇"},
    {"lens.agree", "Share of tokens for which a layer's guess is the final choice", "每一層的猜測和最後選擇相同的比例"},
    {"lens.final", "final choice", "最後的選擇"},
    {"lens.rank", "rank of the final choice here", "最後的選擇在這裡的名次"},
    {"lens.first", "which leads first at layer", "它最早在哪一層領先"},

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
     "The text is a chain: each token was one draw from a distribution over all tokens, given what stood before. The "
     "longer the bar, the more it surprised the model.",
     "文字就是接龍：每個 token 都是看了前面之後，從所有 token 的機率分佈中選出來的。長條越長，表示模型越意外。"},
    {"text.finding", "Perplexity {}: as unsure as if each token were one of {} equally likely ones.",
     "困惑度 {}：平均來說，就像每一步都在 {} 個一樣可能的 token 之間選。"},
    {"text.surprisal", "Surprisal of each token in bits (−log₂ p)", "每個 token 的意外程度（−log₂ p，單位是位元）"},
    {"text.others", "What else could have followed, and how the text would have gone on",
     "還可能接什麼，又會怎麼接下去"},
    {"text.follows", "follows", "實際接的"},
    {"text.rank", "rank", "名次"},
    {"text.guesses", "likeliest", "最可能的"},
    {"text.otherwise", "otherwise", "不然就是"},
    {"text.open", "(not yet)", "（還沒接）"},
    {"text.entropy", "entropy (bits)", "熵（位元）"},

    // ---- cost ----
    {"cost.title", "What it costs", "要算多少"},
    {"cost.sentence",
     "Every token goes through every weight, and attention compares all pairs of tokens: the first part grows with the "
     "length, the second with its square.",
     "每個 token 都要和所有的權重算一遍，注意力還要比較每一對 token：前者隨長度成正比，後者隨長度的平方成長。"},
    {"cost.phases", "Measured for the {} tokens shown, {} threads, {} kernels",
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
     "Keys and values are remembered: {} bytes a token, {} for this text. Without them each further token would cost "
     "the whole text again.",
     "算過的 key 和 value 會記下來（KV cache）：每個 token {} 位元組，這段文字共 {}。不記的話，每接一個 "
     "token 都要把整段文字重算一遍。"},
    {"cost.state",
     "The recurrent layers carry {} along, however long the text: a further token costs the same after 10 tokens as "
     "after 100,000.",
     "用記憶的層帶著 {} 往前走，不管文字多長都一樣：讀了 10 個 token 之後再接一個，和讀了 10 萬個之後再接一個，花的力氣相同。"},
    {"cost.prefill", "Reading a prompt: seconds against length", "讀提示：長度與秒數"},
    {"cost.decode", "One further token: seconds against length", "再接一個 token：長度與秒數"},
    {"cost.whole", "whole", "全部"},
    {"cost.quadratic", "attention (quadratic)", "注意力（平方）"},
    {"cost.scan", "recurrent state (linear)", "記憶（線性）"},
    {"cost.cached.scan", "recurrent state", "記憶"},
    {"cost.growth", "From {} tokens to {}:", "從 {} 個 token 變成 {} 個："},
    {"cost.growth.attention", "attention takes {} times as long (4 would be the square).",
     "注意力花了 {} 倍的時間（平方的話是 4 倍）。"},
    {"cost.growth.scan", "the recurrent state takes {} times as long (2 is linear).",
     "記憶花了 {} 倍的時間（線性就是 2 倍）。"},
    {"cost.linear", "all else (linear)", "其餘（線性）"},
    {"cost.feed", "feed-forward", "前饋網路"},
    {"cost.cached", "with the cache", "有 cache"},
    {"cost.cached.attention", "attention, with the cache", "注意力，有 cache"},
    {"cost.uncached", "without: all again", "沒有 cache：全部重算"},
    {"cost.length", "tokens", "token 數"},
    {"cost.seconds", "seconds", "秒"},
    {"cost.overtakes", "From about {} tokens on, attention takes longer than the feed-forward networks.",
     "大約從 {} 個 token 開始，注意力花的時間就超過前饋網路了。"},
    {"cost.not_overtaken", "Up to {} tokens attention takes less time than the feed-forward networks.",
     "到 {} 個 token 為止，注意力花的時間都比前饋網路少。"},
    {"cost.end.time", "Lengths above {} were not measured, to save time; --measure does.",
     "為了省時間，沒有量超過 {} 的長度；加上 --measure 就會量。"},
    {"cost.end.positions", "Lengths above {} were not measured: the model has no positions for them.",
     "沒有量超過 {} 的長度：這個模型沒有那麼多位置。"},
    {"cost.beyond", "Lengths above {}, the model's context, are for timing alone: it was not made to read them.",
     "超過 {}（這個模型的上下文長度）的部分只用來計時，模型並不是為了讀那麼長的文字而做的。"},
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
