"""The model server: loads registered models on demand, streams answers and embeds texts over a local socket."""
