"""Experiments as YAML: sources by what makes them instead of ids, so that files travel.

`text` is YAML with line numbers, `document` what a file may say, `references` names for ids,
`nodes` the jobs that make its sources, `reading` all of these together and pure; `trinity`
understands files of Trinity-RFT. `writing` and `services` need the database.
"""
