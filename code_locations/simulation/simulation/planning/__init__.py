"""Planning from history: what yearly censuses say on leaving, joining, raises and promotions."""
