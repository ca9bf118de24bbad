"""A fixed general text: how well the model predicts it before and after a training tells what it forgot."""

GENERAL_TEXT = """\
In the morning the market square fills slowly. Farmers unload apples, cheese and bread from their vans, and the first
customers ask where the strawberries are. "They come in June," says the woman behind the stall, "and not a day sooner."

Water freezes at zero degrees Celsius and boils at one hundred degrees at sea level. On a high mountain it boils at a
lower temperature, because there is less air pressing down on it. That is why cooking takes longer there.

To make a simple vegetable soup, chop two onions and fry them gently in a little oil. Add carrots, potatoes and a litre
of water, bring it to the boil, and let it simmer for twenty minutes. Season with salt and pepper before you serve it.

The history of writing began about five thousand years ago, when people pressed signs into clay to keep count of grain
and animals. Later the signs came to stand for sounds, and then anything that could be said could also be written.

A computer program is a list of instructions. A loop repeats some of them until a condition is met. If the condition is
never met, the program runs for ever, unless somebody stops it. Tests are small programs that check other programs.

Dear Ms Lopez, thank you for your letter of 3 May. We are sorry that your parcel arrived damaged. A new one is on its
way and should reach you by Friday. You need not return the old one. Kind regards, the customer service.

Two trains leave the same station at noon. One travels north at eighty kilometres an hour, the other south at a hundred.
After two hours they are three hundred and sixty kilometres apart.
"""
