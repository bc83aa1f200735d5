r"""Worked examples in our own words; their last sentence is what the graders look for.

The numbers and the form follow what TOPR used (papers: 8 reasoned word problems that end in "The
answer is", 4 competition problems that end in "Final Answer: The final answer is $...$. I hope it
is correct."); the problems are not the published ones.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Shot:
    """One problem with the answer that a good policy would write."""

    question: str
    answer: str


GSM8K_8 = (
    Shot(
        "A baker has 24 rolls in the morning. She sells 15 of them and bakes 12 more. How many "
        "rolls does she have then?",
        "She has 24 - 15 = 9 rolls after the sale. With the 12 new ones she has 9 + 12 = 21. "
        "The answer is 21.",
    ),
    Shot(
        "Five boxes hold 6 pencils each. Mia takes 4 pencils out. How many pencils are left in "
        "the boxes?",
        "The boxes hold 5 * 6 = 30 pencils. After Mia takes 4 there are 30 - 4 = 26. "
        "The answer is 26.",
    ),
    Shot(
        "Omar reads 12 pages on Monday and twice as many on Tuesday. His book has 90 pages. How "
        "many pages are left?",
        "On Tuesday he reads 2 * 12 = 24 pages. Together that is 12 + 24 = 36 pages. "
        "90 - 36 = 54 pages are left. The answer is 54.",
    ),
    Shot(
        "A ticket costs $7 and a drink costs $3. What do 4 tickets and 2 drinks cost together?",
        "The tickets cost 4 * 7 = 28 dollars. The drinks cost 2 * 3 = 6 dollars. Together they "
        "cost 28 + 6 = 34 dollars. The answer is 34.",
    ),
    Shot(
        "A train with 48 passengers stops. A quarter of them get off and 9 people get on. How "
        "many passengers does it carry then?",
        "A quarter of 48 is 48 / 4 = 12, so 48 - 12 = 36 stay. With 9 more it carries 36 + 9 = 45. "
        "The answer is 45.",
    ),
    Shot(
        "Lena saves $5 a week for 8 weeks and then buys a lamp for $26. How much money is left?",
        "She saves 5 * 8 = 40 dollars. After the lamp 40 - 26 = 14 dollars are left. "
        "The answer is 14.",
    ),
    Shot(
        "Three friends share 51 marbles evenly. One of them loses 5 of his. How many does he "
        "still have?",
        "Each gets 51 / 3 = 17 marbles. He still has 17 - 5 = 12. The answer is 12.",
    ),
    Shot(
        "A garden has 7 rows of 9 plants. Rain ruins 13 plants. How many plants are still good?",
        "There are 7 * 9 = 63 plants. 63 - 13 = 50 are still good. The answer is 50.",
    ),
)

MATH_4 = (
    Shot(
        r"For which values of $x$ is $\frac{1}{\sqrt{x-3}}$ a real number? Answer as an interval.",
        "The root needs $x-3 \\ge 0$, and the denominator must not be zero, so $x-3 > 0$. This is "
        "$x > 3$.\nFinal Answer: The final answer is $(3,\\infty)$. I hope it is correct.",
    ),
    Shot(
        r"If $\det A = 3$ and $\det B = 5$ for square matrices of one size, what is $\det(AB)$?",
        "The determinant of a product is the product of the determinants: $\\det(AB) = 3 \\cdot 5 "
        "= 15$.\nFinal Answer: The final answer is $15$. I hope it is correct.",
    ),
    Shot(
        "A scale reads 120 grams for 8 equal coins. How many such coins does it take to read 270 "
        "grams?",
        "One coin weighs $120/8 = 15$ grams. It takes $270/15 = 18$ coins.\n"
        "Final Answer: The final answer is $18$. I hope it is correct.",
    ),
    Shot(
        r"The lines $2x+3y=6$ and $ax-4y=5$ are perpendicular. Find $a$.",
        "The slopes are $-\\frac{2}{3}$ and $\\frac{a}{4}$. Their product must be $-1$, so "
        "$\\frac{a}{4} = \\frac{3}{2}$ and $a = 6$.\n"
        "Final Answer: The final answer is $6$. I hope it is correct.",
    ),
)

ADDITION_3 = (Shot("3+5=", "8"), Shot("12+7=", "19"), Shot("41+36=", "77"))

SHOTS: Mapping[str, tuple[Shot, ...]] = {
    "none": (),
    "gsm8k_8": GSM8K_8,
    "math_4": MATH_4,
    "addition_3": ADDITION_3,
}
"""By the names that `Prompt.shots` takes."""
