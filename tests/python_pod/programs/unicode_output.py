print("žluťoučký kůň 🐎 \u2028 end")
