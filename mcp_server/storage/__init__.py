"""Where the parts of a state are kept and opened: in a folder, or on a database server and a vector database."""
