"""Takes what models a source, or the shipped sample, out of the project, and on request out of the warehouse."""
