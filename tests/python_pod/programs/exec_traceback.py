exec(compile("def f():\n    raise ValueError('inside')\nf()", "<made up>", "exec"))
