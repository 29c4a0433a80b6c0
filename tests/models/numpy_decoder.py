"""The decoder's forward pass in NumPy, token by token and head by head; weights under Hugging Face's names, (d, k)."""

import numpy as np


def logits(weights: dict, config, tokens, frequency=None) -> np.ndarray:
    """(t, v) of one sequence. config: models.decoder.Config; weights in its rotary layout.

    frequency: angle a position of every rotary pair; base^(-2j/e) by default, whatever the config says.
    """
    c = config
    table = weights["model.embed_tokens.weight"]
    h = table[np.asarray(tokens)]
    for i in range(c.layers):
        w = {name.removeprefix(f"model.layers.{i}."): x for name, x in weights.items()}
        z = norm(h, w["input_layernorm.weight"], c.epsilon)
        q, k, v = (z @ w[f"self_attn.{p}_proj.weight"].T + w.get(f"self_attn.{p}_proj.bias", 0) for p in "qkv")
        mixed = []
        for head in range(c.heads):
            shared = head // (c.heads // c.kv_heads)
            one, key, value = (x[:, j * c.head_width : (j + 1) * c.head_width] for x, j in
                               ((q, head), (k, shared), (v, shared)))  # fmt: skip
            if c.qk_norm:
                one = norm(one, w["self_attn.q_norm.weight"], c.epsilon)
                key = norm(key, w["self_attn.k_norm.weight"], c.epsilon)
            one, key = turned(one, c, frequency), turned(key, c, frequency)
            rows = []
            for t in range(len(h)):
                scores = key[: t + 1] @ one[t] / np.sqrt(c.head_width)
                scores = np.exp(scores - scores.max())
                rows.append(scores / scores.sum() @ value[: t + 1])
            mixed.append(np.array(rows))
        h = h + np.concatenate(mixed, 1) @ w["self_attn.o_proj.weight"].T
        z = norm(h, w["post_attention_layernorm.weight"], c.epsilon)
        gate, up = (z @ w[f"mlp.{p}_proj.weight"].T for p in ("gate", "up"))
        h = h + (gate / (1 + np.exp(-gate)) * up) @ w["mlp.down_proj.weight"].T
    h = norm(h, weights["model.norm.weight"], c.epsilon)
    return h @ (table if c.tied else weights["lm_head.weight"]).T


def norm(x, scale, epsilon):
    return x / np.sqrt((x**2).mean(-1, keepdims=True) + epsilon) * scale


def turned(x, config, frequency=None):
    """Each pair as a complex number, multiplied by exp(i * position * frequency)."""
    e = config.head_width
    plain = config.rope_base ** (-2 * np.arange(e // 2) / e)
    angle = np.arange(len(x))[:, None] * (plain if frequency is None else frequency)
    first = np.arange(0, e, 2) if config.interleaved else np.arange(e // 2)
    second = first + (1 if config.interleaved else e // 2)
    z = (x[:, first] + 1j * x[:, second]) * np.exp(1j * angle)
    out = np.empty_like(x)
    out[:, first], out[:, second] = z.real, z.imag
    return out


def renamed(params: dict) -> dict:
    """Our parameters under Hugging Face's names and in its orientation."""
    found = {"model.embed_tokens.weight": params["tok"]["embedding"], "model.norm.weight": params["norm"]["scale"]}
    if "head" in params:
        found["lm_head.weight"] = params["head"]["kernel"].T
    places = {"norm1": "input_layernorm", "norm2": "post_attention_layernorm", "q_norm": "self_attn.q_norm",
              "k_norm": "self_attn.k_norm"}  # fmt: skip
    places |= {p: f"self_attn.{p}_proj" for p in "qkvo"} | {p: f"mlp.{p}_proj" for p in ("gate", "up", "down")}
    for i, block in params["blocks"].items():
        for part, leaves in block.items():
            for kind, x in leaves.items():
                name = f"model.layers.{i}.{places[part]}.{'bias' if kind == 'bias' else 'weight'}"
                found[name] = x.T if kind == "kernel" else x
    return {name: np.asarray(x, np.float32) for name, x in found.items()}
