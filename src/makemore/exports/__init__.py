"""What leaves a run, without its list, and what comes in from elsewhere.

export.py       `export`: the formats, and which runs each can hold
target.py       writing a directory or a file completely or not at all
own.py          whether what is there is an export, and unchanged
weights.py      safetensors, config and vocabulary
huggingface.py  a directory that transformers loads as GPT-2 or Qwen3
gpt2.py         GPT-2's names of the parts of a Transformer
tokenizer.py    its tokenizer: one character, one token
card.py         its model card
onnx.py         one step of a model as an ONNX graph
counts_graph.py models that count as tensors, for it
page.py         one HTML file that samples in a browser, offline; browser/ has its parts
packing.py      the weights in few bytes
membership.py   a filter that tells which lines are in the list
script/         one Python file of a type, and of a run
original.py     a checkpoint of the original makemore.py becomes a run
checkpoint.py   reading its tensors, and nothing else
"""
