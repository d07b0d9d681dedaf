class Own extends Error { constructor(m) { super(m); this.name = 'Own'; this.extra = { a: 1 }; } }
throw new Own('made', { cause: new Error('inner') });
