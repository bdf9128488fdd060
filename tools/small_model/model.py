"""Qwen3-MoE, written to be trained on a CPU.

Names and meaning are those of Hugging Face's `Qwen3MoeForCausalLM`, so that a state dict is a
checkpoint; `verify_export.py` holds the two against each other. What differs is how a batch lies in
memory: conversations of many lengths stand one behind the other in `[tokens]`, and only attention
sees them apart. All else, above all the experts' products, runs over every token at once.
"""

import dataclasses

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclasses.dataclass(frozen=True)
class ModelShape:
    """Sizes and constants, under the names of a checkpoint's config.json."""

    vocab_size: int = 3072
    hidden_size: int = 256
    num_hidden_layers: int = 5
    num_attention_heads: int = 8
    num_key_value_heads: int = 2
    head_dim: int = 64
    num_experts: int = 8
    num_experts_per_tok: int = 2
    moe_intermediate_size: int = 256
    rope_theta: float = 10_000.0
    rms_norm_eps: float = 1e-6
    max_position_embeddings: int = 2048


@dataclasses.dataclass(frozen=True)
class Batch:
    """Conversations one behind the other, each group padded to one length.

    tokens: [tokens] ids.
    positions: [tokens] places within the conversation.
    groups: (conversations, length) of each group, in the order of the tokens.
    """

    tokens: Tensor
    positions: Tensor
    groups: tuple[tuple[int, int], ...]


class RmsNorm(nn.Module):
    """x / rms(x) · weight over the last dimension."""

    def __init__(self, size: int, epsilon: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.epsilon = epsilon

    def forward(self, x: Tensor) -> Tensor:
        x = functional.rms_norm(x.float(), self.weight.shape, self.weight, self.epsilon)
        return x.bfloat16() if torch.is_autocast_enabled("cpu") else x


def rotate(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """RoPE of x: [tokens, heads, head_dim], halves paired as Qwen has them. cosine, sine: [tokens,
    1, head_dim / 2]."""
    first, second = x.chunk(2, dim=-1)
    return torch.cat((first * cosine - second * sine, second * cosine + first * sine), dim=-1)


def causal_attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """softmax(query · keyᵀ / √head_dim) · value, each position over itself and those before.

    query: [conversations, heads, length, head_dim]; key and value have fewer heads. The backward
    pass of PyTorch's own function takes several times as long on a CPU at these lengths.
    """
    conversations, heads, length, size = query.shape
    kv_heads = key.size(1)
    # The queries that share a key's head are rows of one product.
    rows = query.reshape(conversations * kv_heads, heads // kv_heads * length, size)
    keys = key.reshape(conversations * kv_heads, length, size)
    values = value.reshape(conversations * kv_heads, length, size)
    future = torch.full((length, length), -torch.inf).triu(1).repeat(heads // kv_heads, 1)
    scores = (rows @ keys.mT).float() * size**-0.5 + future
    return (scores.softmax(-1) @ values).view(conversations, heads, length, size)


class Attention(nn.Module):
    """Grouped-query attention with RMSNorm over each query's and key's head."""

    def __init__(self, shape: ModelShape) -> None:
        super().__init__()
        hidden, size = shape.hidden_size, shape.head_dim
        self.heads, self.kv_heads, self.size = (
            shape.num_attention_heads,
            shape.num_key_value_heads,
            size,
        )
        self.q_proj = nn.Linear(hidden, self.heads * size, bias=False)
        self.k_proj = nn.Linear(hidden, self.kv_heads * size, bias=False)
        self.v_proj = nn.Linear(hidden, self.kv_heads * size, bias=False)
        self.o_proj = nn.Linear(self.heads * size, hidden, bias=False)
        self.q_norm = RmsNorm(size, shape.rms_norm_eps)
        self.k_norm = RmsNorm(size, shape.rms_norm_eps)

    def forward(self, x: Tensor, cosine: Tensor, sine: Tensor, batch: Batch) -> Tensor:
        query = self.q_norm(self.q_proj(x).view(-1, self.heads, self.size))
        key = self.k_norm(self.k_proj(x).view(-1, self.kv_heads, self.size))
        value = self.v_proj(x).view(-1, self.kv_heads, self.size)
        query, key = rotate(query, cosine, sine), rotate(key, cosine, sine)
        sizes = [conversations * length for conversations, length in batch.groups]
        mixed = []
        # Splitting, unlike slicing, costs one copy in the backward pass and not one for each group.
        splits = (part.split(sizes) for part in (query, key, value))
        for (conversations, length), *parts in zip(batch.groups, *splits):
            query, key, value = (
                part.view(conversations, length, -1, self.size).transpose(1, 2) for part in parts
            )
            attended = causal_attention(query, key, value)
            mixed.append(attended.transpose(1, 2).reshape(conversations * length, -1))
        return self.o_proj(torch.cat(mixed))


class Experts(nn.Module):
    """All experts of a layer, each a SwiGLU, stacked as transformers has them in memory.

    gate_up_proj: [experts, 2 · width, hidden], the gate's rows first. down_proj: [experts, hidden,
    width].
    """

    def __init__(self, shape: ModelShape) -> None:
        super().__init__()
        experts, hidden = shape.num_experts, shape.hidden_size
        width = shape.moe_intermediate_size
        self.gate_up_proj = nn.Parameter(torch.empty(experts, 2 * width, hidden))
        self.down_proj = nn.Parameter(torch.empty(experts, hidden, width))

    def forward(self, x: Tensor, counts: list[int]) -> Tensor:
        """x: [rows, hidden], the first counts[0] rows for the first expert, and so on."""
        outputs = []
        for part, gate_up, down in zip(
            x.split(counts), self.gate_up_proj.unbind(), self.down_proj.unbind()
        ):
            gate, up = functional.linear(part, gate_up).chunk(2, dim=-1)
            outputs.append(functional.linear(functional.silu(gate) * up, down))
        return torch.cat(outputs)


class Mixture(nn.Module):
    """The router and its experts: the best `num_experts_per_tok` of a softmax over all, their
    probabilities made to add up to 1 (`norm_topk_prob`)."""

    def __init__(self, shape: ModelShape) -> None:
        super().__init__()
        self.count, self.used = shape.num_experts, shape.num_experts_per_tok
        self.gate = nn.Linear(shape.hidden_size, shape.num_experts, bias=False)
        self.experts = Experts(shape)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x: [tokens, hidden]. Returns the same shape, and the loss that evens out the experts'
        load: experts · Σ share of tokens · mean probability (Switch Transformer, eq. 4), 1 when
        even, as `load_balancing_loss_func` of transformers has it but for a factor."""
        probabilities = functional.softmax(self.gate(x).float(), dim=-1)
        weights, chosen = probabilities.topk(self.used, dim=-1)
        weights = weights / weights.sum(-1, keepdim=True)

        # One row per (token, choice), in the order of the experts.
        order = chosen.flatten().argsort(stable=True)
        counts = chosen.flatten().bincount(minlength=self.count)
        rows = order.div(self.used, rounding_mode="floor")
        outputs = self.experts(x.index_select(0, rows), counts.tolist())
        outputs = outputs * weights.flatten().index_select(0, order).unsqueeze(-1)

        share = counts / counts.sum()
        balance = self.count * (share * probabilities.mean(0)).sum()
        return torch.zeros_like(x).index_add(0, rows, outputs.to(x.dtype)), balance


class Layer(nn.Module):
    """x + attention, then x + experts, each behind its norm."""

    def __init__(self, shape: ModelShape) -> None:
        super().__init__()
        self.input_layernorm = RmsNorm(shape.hidden_size, shape.rms_norm_eps)
        self.self_attn = Attention(shape)
        self.post_attention_layernorm = RmsNorm(shape.hidden_size, shape.rms_norm_eps)
        self.mlp = Mixture(shape)

    def forward(
        self, x: Tensor, cosine: Tensor, sine: Tensor, batch: Batch
    ) -> tuple[Tensor, Tensor]:
        x = x + self.self_attn(self.input_layernorm(x), cosine, sine, batch)
        mixed, balance = self.mlp(self.post_attention_layernorm(x))
        return x + mixed, balance


class Decoder(nn.Module):
    """Embedding, layers and last norm: what transformers calls `model`."""

    def __init__(self, shape: ModelShape) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(shape.vocab_size, shape.hidden_size)
        self.layers = nn.ModuleList(Layer(shape) for _ in range(shape.num_hidden_layers))
        self.norm = RmsNorm(shape.hidden_size, shape.rms_norm_eps)
        exponents = torch.arange(0, shape.head_dim, 2) / shape.head_dim
        self.register_buffer("frequencies", shape.rope_theta**-exponents, persistent=False)

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor]:
        angles = torch.outer(batch.positions.float(), self.frequencies).unsqueeze(1)
        cosine, sine = angles.cos(), angles.sin()
        x = self.embed_tokens(batch.tokens)
        balances = []
        for layer in self.layers:
            x, balance = layer(x, cosine, sine, batch)
            balances.append(balance)
        return self.norm(x), torch.stack(balances).mean()


class SmallModel(nn.Module):
    """The whole model. Weights start at deviation 0.02, those that write to the residual stream at
    that over √(2 · layers), as GPT-2's do."""

    def __init__(self, shape: ModelShape) -> None:
        super().__init__()
        self.shape = shape
        self.model = Decoder(shape)
        self.lm_head = nn.Linear(shape.hidden_size, shape.vocab_size, bias=False)
        for name, weights in self.named_parameters():
            if weights.dim() > 1:
                residual = name.endswith(("o_proj.weight", "down_proj"))
                depth = 2 * shape.num_hidden_layers if residual else 1
                nn.init.normal_(weights, std=0.02 / depth**0.5)

    def forward(self, batch: Batch, wanted: Tensor) -> tuple[Tensor, Tensor]:
        """Logits [wanted, vocabulary] at the places that are wanted, and the load's loss."""
        hidden, balance = self.model(batch)
        return self.lm_head(hidden.index_select(0, wanted)), balance
