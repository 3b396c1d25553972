"""LangChain interfaces: the only room that knows LangChain."""
