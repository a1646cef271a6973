"""What the site of docs/ is made with, beside mkdocs.

hooks    files of the repository as pages of the site, and what is checked of its pages
charts   the figures of docs/performance, as tables and bar charts
"""
